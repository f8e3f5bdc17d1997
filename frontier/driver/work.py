"""Work: how trials are run; and one attempt at one trial, the same for every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from filelock import FileLock

from frontier.disk import is_full, refusing_full
from frontier.driver.deadline import Fail, in_main_thread
from frontier.errors import BlockedError, InputError, TrialFailed
from frontier.files import sweep
from frontier.results.migrate import read_record
from frontier.results.record import Origin, TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import write_record

if TYPE_CHECKING:
    from frontier.trial.runtime import Runtime


class Evaluate(Protocol):
    """Runs one trial and writes `folder/record.json`; a module-level function, so that it can be pickled."""

    def __call__(self, spec: TrialSpec, folder: Path, runtime: Runtime, *, trial: int | None = None) -> TrialRecord: ...


def run_trial(spec: TrialSpec, folder: Path, runtime: Runtime, *, trial: int | None = None) -> TrialRecord:
    """`frontier.trial.run.run`, imported when the first trial starts: it brings torch."""
    from frontier.trial.run import run

    return run(spec, folder, runtime, trial=trial)


@dataclass(frozen=True)
class Asked:
    """A trial that was handed out: its number, what to run, and the folder where its record belongs."""

    trial: int
    spec: TrialSpec
    folder: Path
    code_version: str = "unknown"  # the driver's, for the record of a trial that dies before it knows its own


@dataclass(frozen=True)
class Work:
    """What a backend needs beside the search. `cpu` and `gpu` are what one trial is given, fractions included; with
    `gpu_gib` the share of a GPU follows from the memory of those that there are.

    `address` joins a running Ray cluster; None starts one of its own. `shared`: the sampler's memory is in a database
    that several drivers share, not in a file. `url`: that of a home at one, which every machine mirrors for itself.
    `recorded` are the records that the replay backend answers from.
    """

    runtime: Runtime
    evaluate: Evaluate = run_trial
    concurrency: int = 1
    cpu: float = 1.0
    gpu: float = 0.0
    gpu_gib: float | None = None
    address: str | None = None
    shared: bool = False
    url: str | None = None
    recorded: Sequence[TrialRecord] = ()


Watch = Callable[[float | None, Fail], AbstractContextManager[None]]  # (deadline_s, fail): see driver.deadline


def attempt(work: Work, asked: Asked, watch: Watch = in_main_thread) -> TrialRecord:
    """The trial's record: the one that is there, or a new one. An exception out of `evaluate` is a FAILED record;
    only InputError and BlockedError (a full disk among it) pass, for they would meet every trial alike. `watch` sees to
    its deadline.

    The folder is locked: a worker that outlives its killed driver by a moment keeps the next one waiting, and if it
    still finished, its record counts and nothing is run twice.
    """
    folder = asked.folder
    path = folder / "record.json"
    with refusing_full(folder), FileLock(folder / ".lock"):
        if path.is_file():
            return read_record(path.read_bytes(), where=str(path))
        sweep(folder)
        try:
            with watch(work.runtime.deadline_s, lambda reason: path.is_file() or write_failed(asked, reason)):
                return work.evaluate(asked.spec, folder, work.runtime, trial=asked.trial)
        except (InputError, BlockedError):
            raise
        except Exception as error:  # whatever a trial raises, the search goes on
            if is_full(error):
                raise
            if path.is_file():  # it was written before the deadline struck
                return read_record(path.read_bytes(), where=str(path))
            name = "" if isinstance(error, TrialFailed) else f"{type(error).__name__}: "
            return write_failed(asked, f"{name}{error}")


def write_failed(asked: Asked, reason: str) -> TrialRecord:
    """Write and return the record of a trial that could not write its own."""
    origin = Origin(code_version=asked.code_version, device="unknown", threads=1)
    record = TrialRecord(trial=asked.trial, state="failed", reason=reason, spec=asked.spec, origin=origin)
    return write_record(asked.folder, record)
