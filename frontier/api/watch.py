"""A study watched from outside, by its files alone: its event logs, who drives it, and how to go on with it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from pydantic import TypeAdapter, ValidationError

from frontier import shelves
from frontier.driver import events
from frontier.driver.lookout import Lookout, Seen
from frontier.errors import InputError
from frontier.objects import url_of
from frontier.results.event_log import SHARED, EventLog, Line
from frontier.results.record import TrialRecord
from frontier.results.store import Study, StudyManifest
from frontier.shelves import DEFAULT_HOME

EVENT: TypeAdapter[events.Event] = TypeAdapter(events.Event)


@final
class Watched:
    """An existing study. Nothing is written, and nobody has to wait for it."""

    def __init__(self, name: str, home: Path | str = DEFAULT_HOME) -> None:
        """Raises InputError where there is no such study, and for a home at a URL: there a log comes late and anew."""
        if url_of(home) is not None:
            raise InputError(
                "a home at a URL cannot be watched",
                where="--home",
                expected="a folder",
                got=home,
                fix=f"frontier show {name} --home {home}",
            )
        self._files = Study.open(Path(home), name)
        self._folder = self._files.folder
        self._log, self._lookout = EventLog(self._folder), Lookout(self._folder)
        self._begun = False
        self.strange = 0  # events so far that this version of frontier does not know, or not whole
        self.rebuilt = False  # whether the events were made from the records, for there is no log

    @property
    def manifest(self) -> StudyManifest:
        return self._files.manifest()

    @property
    def damaged(self) -> int:
        """Lines of the logs so far that are no JSON object: a crash has cut them short, say."""
        return self._log.damaged

    def drivers(self) -> Seen:
        """Who drives the study now. To be asked before `new`: then all that a dead one wrote is among the events."""
        return self._lookout.look()

    def new(self, *, ended: bool) -> Iterator[Line]:
        """Events since the last call; the first time all, and where there is no log those that the records tell.

        With `ended`, when nobody writes any more, a last line is read though its end is missing.
        """
        first, self._begun = not self._begun, True
        for line in self._log.new(rest=ended):
            first = False
            try:
                EVENT.validate_python(line.event)
            except ValidationError:
                self.strange += 1
            yield line
        if first and any(map(self._files.finished, self._files.trials())):
            self.rebuilt = True
            yield from (Line(event.model_dump(mode="json"), "") for event in self._told())

    def go_on(self) -> str:
        """The command that goes on with the study. What is stored nowhere is left out: --data and --plugin, say."""
        manifest, files = self.manifest, self._files
        words = ["frontier", "search", self._space(manifest), "--name", files.name]
        if files.home != Path(DEFAULT_HOME):
            words += ["--home", str(files.home)]
        shared = ["--storage", "URL"] if any(self._folder.glob(f"{SHARED}*")) else []
        return shlex.join([*words, *shared, "--resume"])

    def _space(self, manifest: StudyManifest) -> str:
        """Its name where the shelf has the very same file, else the path of the copy in the study's folder."""
        copy, name = self._folder / "space.yaml", str(manifest.space.get("name", ""))
        try:
            shelved = shelves.find("search_spaces", name).read_bytes()
            return name if shelved == copy.read_bytes() else str(copy)
        except (InputError, OSError):
            return str(copy)

    def _told(self) -> Iterator[events.Event]:
        """What a driver would have said of the records, and where the study stands."""
        from frontier.api.study import StudyView  # half a second that is needed for nothing else here

        manifest, view = self.manifest, StudyView(self._files.home, self._files.name)
        total = max(total_of(manifest), len(self._files.trials()))
        ts = manifest.created_at
        yield events.Started.of(manifest, total).model_copy(update={"ts": ts})
        for trial, record in view.records():
            path = self._files.trial_folder(trial) / "record.json"
            ts = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
            if isinstance(record, TrialRecord):
                yield events.Finished.of(trial, record).model_copy(update={"ts": ts})
            else:
                yield events.Warned(ts=ts, trial=trial, message=str(record))
        counts, volume = events.Counts(**view.counts()), view.hypervolume()
        front = tuple(found.address for found in view.front())
        yield events.Resumed(ts=ts, study=view.name, trials=total, counts=counts, front=front, hypervolume=volume)
        if counts.complete + counts.pruned + counts.failed + counts.unreadable >= total:
            yield events.Done(ts=ts, counts=counts, front=front, hypervolume=volume)


def total_of(manifest: StudyManifest) -> int:
    """The number of trials that the study's space asks for; 0 where it does not say."""
    search: dict[str, Any] = manifest.space.get("search") or {}
    return int(search.get("trials") or 0)
