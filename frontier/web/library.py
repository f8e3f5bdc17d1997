"""Library: the studies of a page as they stand on disk. Only records that are new, or were added to, are read again.

A record is written once; evaluations and measurements are added to it later by writing it anew. So a record whose file
has the same time, size and inode as before is the same record.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from frontier.driver.lookout import Lookout
from frontier.errors import FrontierError, InputError, RecordError
from frontier.reports.points import Absent, StudyPoint, absent_of, points_of
from frontier.results.event_log import last_events
from frontier.results.record import TrialRecord
from frontier.results.store import Study, StudyManifest
from frontier.spaces.constraints import constraints_of
from frontier.spaces.goals import FOUR, goals_of

AGAIN_S: Final = 1.0  # several readers of one page do not make it look at the disk more often than that
ENDS: Final = {"done": "the search is done", "interrupted": "the search was interrupted"}
DIED: Final = "the search was cut off; frontier watch says how to go on"
Record = TrialRecord | RecordError
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Loaded:
    """One study. `problem` says why its manifest cannot be read; it then has neither points nor trials."""

    name: str
    files: Study
    manifest: StudyManifest | None
    records: tuple[tuple[int, Record], ...] = ()
    points: tuple[StudyPoint, ...] = ()
    absent: tuple[Absent, ...] = ()
    ended: str = ""  # how its search ended; empty while it may go on
    problem: str = ""

    @cached_property
    def by_address(self) -> dict[str, StudyPoint]:
        """The points by their addresses."""
        return {point.address: point for point in self.points}

    @property
    def over(self) -> bool:
        """Whether there is nothing to wait for: a search that died may be resumed at any moment."""
        return bool(self.problem or (self.ended and self.ended != DIED))


@dataclass(frozen=True)
class Snapshot:
    """All studies at one moment. `version` rises with every change; `read` counts the records that were read so far."""

    version: int
    studies: dict[str, Loaded]
    read: int

    @property
    def ended(self) -> bool:
        """Whether no search of theirs goes on."""
        return all(one.over for one in self.studies.values())


class Library:
    """Reads the studies of one home; safe to be asked from several threads."""

    def __init__(self, home: Path, names: Sequence[str]) -> None:
        """Raises InputError for a study that is none."""
        self.home = home
        self._studies = {name: Study.open(home, name) for name in names}
        self._records: dict[str, dict[int, tuple[Stamp, Record]]] = {name: {} for name in names}
        self._lookouts = {name: Lookout(study.folder) for name, study in self._studies.items()}
        self._lock = threading.Lock()
        self._read = 0
        self._looked_s = 0.0
        self.snapshot = Snapshot(0, {name: Loaded(name, study, None) for name, study in self._studies.items()}, 0)

    def refresh(self, *, at_least_s: float = AGAIN_S) -> Snapshot:
        """The studies as they are now; the last look's if that was within `at_least_s` seconds."""
        with self._lock:
            if self.snapshot.version and time.monotonic() - self._looked_s < at_least_s:
                return self.snapshot
            changed = {name: self._look(name) for name in self._studies}
            ended = {name: ended_by(study, self._lookouts[name]) for name, study in self._studies.items()}
            before = self.snapshot
            if any(changed.values()) or any(ended[name] != before.studies[name].ended for name in ended):
                studies = {
                    name: self._loaded(name, ended[name]) if changed[name] or ended[name] != old.ended else old
                    for name, old in before.studies.items()
                }
                self.snapshot = Snapshot(before.version + 1, studies, self._read)
            self._looked_s = time.monotonic()
            return self.snapshot

    def _look(self, name: str) -> bool:
        """Read what is new of a study; whether anything was, or this was the first look."""
        study, known = self._studies[name], self._records[name]
        study.catch_up()
        found = _stamps(study.folder / "trials")
        changed = self.snapshot.version == 0 or known.keys() != found.keys()
        for trial in known.keys() - found.keys():
            del known[trial]
        for trial, stamp in found.items():
            if trial not in known or known[trial][0] != stamp:
                known[trial] = (stamp, _record(study, trial))
                self._read += 1
                changed = True
        return changed

    def _loaded(self, name: str, ended: str) -> Loaded:
        study = self._studies[name]
        records = tuple((trial, record) for trial, (_, record) in sorted(self._records[name].items()))
        try:
            manifest = study.manifest()
            goals = goals_of(manifest.space.get("objectives") or FOUR.names)
            limits = constraints_of(manifest.space.get("constraints") or ())
        except FrontierError as error:
            return Loaded(name, study, None, records, ended=ended, problem=str(error))
        points = points_of(records, goals=goals, relus=manifest.relus, constraints=limits)
        return Loaded(name, study, manifest, records, points, absent_of(records), ended)


def ended_by(study: Study, lookout: Lookout) -> str:
    """How a study's search ended, by its logs' last lines and by who lives; empty while it may go on. Without a log
    nobody searches."""
    seen = lookout.look()  # before the logs: then all that a dead driver wrote is in them
    last = last_events(study.folder)
    if not last:
        return "nobody searches"
    if not all(event.get("event") in ENDS for event in last):
        return DIED if seen.sure and not seen.drivers else ""
    return ENDS[max(last, key=lambda event: str(event.get("ts")))["event"]]


def _stamps(trials: Path) -> dict[int, Stamp]:
    """Of the records that are there, by trial."""
    found: dict[int, Stamp] = {}
    try:
        folders = [entry for entry in os.scandir(trials) if entry.name.isdecimal()]
    except FileNotFoundError:
        return {}
    for entry in folders:
        try:
            stat = os.stat(os.path.join(entry.path, "record.json"))  # noqa: PTH116, PTH118 a tenth of Path's time
        except OSError:
            continue
        found[int(entry.name)] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found


def _record(study: Study, trial: int) -> Record:
    try:
        return study.record(trial)
    except RecordError as error:
        return error
    except (InputError, OSError) as error:
        return RecordError("the record cannot be read", where=f"trial {trial}", got=str(error))
