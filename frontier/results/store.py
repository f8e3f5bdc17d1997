"""The store: one folder a study, one folder a trial, one file a record, written aside and renamed.

    HOME/studies/NAME/study.json     what is searched (StudyManifest), written once
                     /space.yaml     the question as its author wrote it
                     /study.db       the sampler's memory (SQLite); can be rebuilt from the records
                     /guesses.json   what a person wants asked, and /warm_start.json what the sampler learnt elsewhere
                     /events.jsonl   what happened, one JSON object a line; events-DRIVER.jsonl where drivers share
                     /drivers/       a file for each of the drivers that share the study, while it lives
                     /trials/7/      spec.json, record.json, mask*.safetensors, weights*.safetensors, log.txt,
                                     checkpoints/, rung-K.json
    HOME/teachers/HASH/              teachers, shared by all studies
    HOME/corruptions/DATA-SPLIT-KEY/ corrupted images, shared by all studies
    HOME/trajectories/HASH/          states of mask searches, shared by all studies (training.trajectory)

A trial exists when its folder does, was handed out when spec.json is there, and is finished when record.json is. For a
home at a URL that goes for the files there (`results.remote`), and HOME is its mirror.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from pydantic import ValidationError

from frontier.errors import InputError, RecordError, nearest
from frontier.files import append_line, writable, write_atomic, write_new
from frontier.frozen import Grown, first_problem
from frontier.mirror import mirror_of, publish, shown
from frontier.results import remote
from frontier.results.event_log import ALONE, SHARED, EventLog
from frontier.results.migrate import read_record
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec

TRAJECTORIES = "trajectories"
# a file of this name stops a trial from the trial's folder (Workspace.check), a search from the study's (the driver)
CANCEL = "cancel"
Keep = Literal["front", "all", "none"]  # whose weights stay
REPLICATE = "replicate"  # an empty file in the folder of a trial that is another one with another seed
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class StudyManifest(Grown):
    """What a study searches. `space` is the resolved question, `relus` the ReLUs of its network."""

    NEWER = frozenset({"pruner"})

    version: Literal[1] = 1
    name: str
    space: dict[str, Any]
    space_hash: str
    seed: int
    sampler: str
    pruner: str | None = None
    keep: Keep = "front"
    relus: int
    created_at: str
    code_version: str


def write_record(folder: Path, record: TrialRecord) -> TrialRecord:
    """Finish a trial: from the moment `record.json` is there it counts, before that it does not.

    Returns the record that counts: at a URL the first one does, and that may have been another worker's.
    """
    path, text = folder / "record.json", record.model_dump_json(indent=1) + "\n"
    if (mirror := mirror_of(folder)) is None:
        write_atomic(path, text)
        return record
    counts = remote.write_record(mirror, folder, text.encode())
    write_atomic(path, counts)
    return record if counts == text.encode() else read_record(counts, where=mirror.shown(path))


def amend_record(folder: Path, change: Callable[[TrialRecord], TrialRecord]) -> None:
    """Put what `change` makes of a finished trial's record in its place, while nobody else does: whoever reads sees the
    old record or the new one, whole."""
    path, mirror = folder / "record.json", mirror_of(folder)
    with FileLock(folder / ".lock"), contextlib.ExitStack() as stack:
        if mirror is None:
            before = path.read_bytes()
        else:
            stack.enter_context(remote.amending(mirror, folder))
            before = mirror.bucket.get(mirror.key(path)) or path.read_bytes()
        text = change(read_record(before, where=shown(path))).model_dump_json(indent=1) + "\n"
        if mirror is not None:
            remote.amend_record(mirror, folder, text.encode())
        write_atomic(path, text)


class Study:
    """The files of one study. Holds paths only, so it may be opened by any number of readers."""

    def __init__(self, home: Path, name: str) -> None:
        if not NAME.fullmatch(name):
            raise InputError(
                "not a study name", expected="letters, digits, '.', '_', '-', at most 100", got=name, where="--name"
            )
        self.home, self.name = _folder(home), name
        self.folder = home / "studies" / name

    @classmethod
    def create(cls, home: Path, manifest: StudyManifest, space_text: str) -> Study:
        """A new study. Raises InputError if it exists or the folder cannot be written; leaves nothing half-made."""
        study, text = cls(home, manifest.name), manifest.model_dump_json(indent=1) + "\n"
        if not study.exists() and study._is_new(text):
            writable(study.folder, "--home")
            (study.folder / "trials").mkdir(exist_ok=True)
            write_atomic(study.folder / "space.yaml", space_text)
            if write_new(study.folder / "study.json", text):
                publish(study.folder / "space.yaml")
                return study
        raise InputError(
            f"the study '{manifest.name}' exists already",
            where=shown(study.folder),
            fix="go on with --resume, take another --name, or remove the folder",
        )

    @classmethod
    def open(cls, home: Path, name: str) -> Study:
        """An existing study, as it is now. Raises InputError with the nearest name if there is none."""
        study = cls(home, name)
        if not study.exists():
            raise InputError(f"no study '{name}'. {nearest(name, names(home))}", where=shown(home / "studies"))
        study.catch_up()
        return study

    def exists(self) -> bool:
        if mirror := mirror_of(self.folder):
            return remote.exists(mirror, self.folder)
        return (self.folder / "study.json").is_file()

    def catch_up(self, *, settle: bool = False) -> None:
        """Fetches what is new at the URL of the home, if it has one; `settle`: see `remote.catch_up`."""
        if mirror := mirror_of(self.folder):
            remote.catch_up(mirror, self.folder, settle=settle)

    def _is_new(self, manifest: str) -> bool:
        """Whether no study of this name was begun at the URL of the home, if it has one; then this one is."""
        if (mirror := mirror_of(self.folder)) is None:
            return True
        shutil.rmtree(self.folder, ignore_errors=True)  # of a study that was deleted there
        return remote.create(mirror, self.folder, manifest)

    def manifest(self) -> StudyManifest:
        path = self.folder / "study.json"
        try:
            return StudyManifest.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            why = first_problem(error)
        except ValueError as error:  # no UTF-8
            why = str(error)
        raise RecordError(
            f"not a study manifest ({why})",
            where=str(path),
            expected="one that this version of frontier, or an older one, wrote",
            fix="put the file back; the records beside it are not touched",
        )

    # trials

    def trial_folder(self, trial: int) -> Path:
        return self.folder / "trials" / str(trial)

    def claim(self) -> int:
        """The number after the last one; no two callers get the same."""
        number = max(self.trials(), default=-1) + 1
        while not self.take(number):
            number += 1
        return number

    def take(self, trial: int) -> bool:
        """Claim this number; whether it was free. Its folder is made in one step, so one of many callers gets it."""
        try:
            self.trial_folder(trial).mkdir(parents=True)
        except FileExistsError:
            return False
        return True

    def trials(self) -> list[int]:
        """Numbers of all trials, finished or not, rising."""
        folder = self.folder / "trials"
        if not folder.is_dir():
            return []
        return sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal())

    def mark_replicate(self, trial: int) -> None:
        """Says that this trial counts towards no total; before its spec says of which trial it is one."""
        path = self.trial_folder(trial) / REPLICATE
        path.touch()
        publish(path)

    def is_replicate(self, trial: int) -> bool:
        return (self.trial_folder(trial) / REPLICATE).is_file()

    def write_spec(self, trial: int, spec: TrialSpec) -> None:
        path, text = self.trial_folder(trial) / "spec.json", spec.model_dump_json(indent=1) + "\n"
        if mirror := mirror_of(path):
            remote.write_spec(mirror, path, text)
        write_atomic(path, text)

    def spec(self, trial: int) -> TrialSpec | None:
        """The spec that was handed out under this number, or None if the driver died before it was written."""
        path = self.trial_folder(trial) / "spec.json"
        if not path.is_file():
            return None
        try:
            return TrialSpec.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise RecordError(f"not a trial spec ({first_problem(error)})", where=str(path)) from None

    def finished(self, trial: int) -> bool:
        return (self.trial_folder(trial) / "record.json").is_file()

    def arrived(self, trial: int) -> bool:
        """Whether it is finished, where it may have been finished on another machine: after a look at the home's URL,
        if it has one."""
        folder = self.trial_folder(trial)
        if not self.finished(trial) and (mirror := mirror_of(folder)):
            remote.arrive(mirror, folder)
        return self.finished(trial)

    def fetch_files(self, trial: int, record: TrialRecord) -> None:
        """Has the masks of a finished trial in its folder, and the weights that were kept."""
        if mirror := mirror_of(self.folder):
            names = [name for point in record.points for name in (point.mask.file, point.weights) if name is not None]
            remote.fetch_files(mirror, self.trial_folder(trial), names)

    def fetch_mask(self, trial: int, name: str) -> Path:
        """One mask of a finished trial, in its folder once it is there."""
        folder = self.trial_folder(trial)
        if mirror := mirror_of(folder):
            remote.fetch_files(mirror, folder, [name])
        return folder / name

    def weights(self, trial: int) -> list[Path]:
        """Where the weights of a finished trial lie, or would: those of a home at a URL may have to be fetched."""
        folder = self.trial_folder(trial)
        paths = {*folder.glob("weights*.safetensors")}
        if mirror := mirror_of(folder):
            paths |= {folder / name for name in remote.weights_of(mirror, folder)}
        return sorted(paths)

    def free_at_url(self, trial: int, name: str) -> None:
        """Deletes these weights at the home's URL, if it has one."""
        if mirror := mirror_of(self.folder):
            remote.free(mirror, self.trial_folder(trial), name)

    def record(self, trial: int) -> TrialRecord:
        """The record of a finished trial. Raises InputError (not there) or RecordError (cannot be read)."""
        path = self.trial_folder(trial) / "record.json"
        if not path.is_file():
            known = [number for number in self.trials() if self.finished(number)]
            raise InputError(
                f"trial {trial} of study '{self.name}' has no record",
                where=str(path),
                expected=f"a finished trial: {_ranges(known)}",
            )
        return read_record(path.read_bytes(), where=str(path))

    def records(self) -> Iterator[tuple[int, TrialRecord | RecordError]]:
        """Every finished trial with its record, or with the reason why it cannot be read."""
        for trial in self.trials():
            if self.finished(trial):
                try:
                    yield trial, self.record(trial)
                except RecordError as error:
                    yield trial, error

    # events

    def append_event(self, event: dict[str, Any], driver: str | None = None) -> None:
        """One line more (`append_line`).

        A `driver` that shares the study with others writes a file of its own: two hosts cannot append to one.
        """
        name = ALONE if driver is None else f"{SHARED}{driver}.jsonl"
        append_line(self.folder / name, json.dumps(event, allow_nan=False).encode())

    def events(self) -> Iterator[dict[str, Any]]:
        """Events in order, those of several drivers by their time; a line that a crash cut short is left out."""
        return (line.event for line in EventLog(self.folder).new(rest=True))


def names(home: Path) -> list[str]:
    """Names of all studies under `home`, sorted."""
    folder = _folder(home) / "studies"
    if mirror := mirror_of(folder):
        names = filter(NAME.fullmatch, mirror.bucket.folders(mirror.key(folder)))
        return [name for name in names if Study(home, name).exists()]
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if (entry / "study.json").is_file())


def _folder(home: Path) -> Path:
    if home.exists() and not home.is_dir():
        raise InputError("not a folder", where=str(home), expected="a folder, or one to be made", fix="mend --home")
    return home


def _ranges(numbers: list[int]) -> str:
    """`0-4, 7, 9-11`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans) or "none yet"
