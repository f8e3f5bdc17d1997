"""Random trials of a space, really trained: the list of them, and the processes that work it off.

Trial N is a function of the space and N alone, so that a list that is made longer keeps its beginning. After every ten
random trials one of them is run again under another seed: what two seeds differ by is the noise of a trial. Every trial
is measured at the rungs of its finetuning, where a pruner would look at it, and none is stopped.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

from filelock import FileLock, Timeout
from table import recorded

from frontier.api.lookups import load_space
from frontier.driver.memory import Memory
from frontier.driver.seeds import derive
from frontier.driver.work import Asked, Work, attempt
from frontier.errors import FrontierError, InputError
from frontier.results.spec import TrialSpec
from frontier.results.store import Study, StudyManifest
from frontier.shelves import find
from frontier.spaces.space import Space
from frontier.trial.origin import code_version
from frontier.trial.runtime import Runtime

SEED = 10_000  # of the random points: none of those that a search over the table asks
BLOCK = 10  # random trials, which one repetition follows
LOOK_S, SAY_S = 1.0, 60.0
PLUGINS, ONLOOKER = Path(__file__).parent / "plugins", "onlooker"  # the pruner that stops nobody


@dataclass(frozen=True)
class Job:
    """Trial number `trial` of the study. `draw`: which random point; a `repetition` has another seed than the first."""

    trial: int
    draw: int
    repetition: bool


def listed(trials: int) -> Iterator[Job]:
    """`trials` random trials in blocks, and a repetition of the middle one after each whole block."""
    number = 0
    for draw in range(trials):
        yield Job(number, draw, repetition=False)
        number += 1
        if draw % BLOCK == BLOCK - 1:
            yield Job(number, draw - BLOCK // 2, repetition=True)
            number += 1


def spec_of(space: Space, job: Job) -> TrialSpec:
    """What is run: a random point, without the budgets that a search would ask first."""
    assignment = next(Memory(None, space, "random", SEED).ask(job.draw))
    return space.spec(assignment, seed=derive(space.space_hash, "recorded", job.trial))


def study_of(home: Path, space: Space) -> Study:
    """Where the space's trials are recorded; it need not exist."""
    return Study(home, f"samplers-{space.name}")


def record(name: str, home: Path, trials: int, workers: int, data: Path | None, table: Path) -> int:
    """Run what has no record yet and is not in the table, which may come from another home; returns how many trials are
    then missing. Goes on after whatever stopped it."""
    space = load_space(name)
    study = study_of(home, space)
    if not study.exists():
        Study.create(home, _manifest(space, study.name), find("search_spaces", name).read_text(encoding="utf-8"))
    if (asked := study.manifest().space_hash) != space.space_hash:
        raise InputError(
            "holds trials of another question",
            where=str(study.folder),
            expected=f"space {space.space_hash}",
            got=asked,
            fix="give another --home",
        )
    there = recorded(table, space, study.name)
    jobs = [job for job in listed(trials) if job.trial not in there]
    threads = max(1, int(space.resources.cpu))
    runtime = runtime_of(home, data, threads)
    context = multiprocessing.get_context("spawn")
    running: list[BaseProcess] = [
        context.Process(target=work_off, args=(name, home, jobs, runtime)) for _ in range(workers)
    ]
    for process in running:
        process.start()
    try:
        _watch(study, jobs, running)
    finally:
        for process in running:
            process.terminate()  # what it has is in its checkpoints
    return sum(not study.finished(job.trial) for job in jobs)


def runtime_of(home: Path, data: Path | None, threads: int) -> Runtime:
    """How a trial is recorded: as any other, with an onlooker at its rungs."""
    return Runtime(
        home=home.resolve(),
        data=None if data is None else data.resolve(),
        device="cpu",
        threads=threads,
        keep_weights=False,
        pruner=ONLOOKER,
        plugins=(PLUGINS,),
    )


def work_off(name: str, home: Path, jobs: Sequence[Job], runtime: Runtime) -> None:
    """One process: every job that no other one is at, in order, while the process that started it lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one, which ends it
    space = load_space(name)
    study, work = study_of(home, space), Work(runtime=runtime)
    parent = multiprocessing.parent_process()
    for job in jobs:
        if study.finished(job.trial):
            continue
        if parent is not None and not parent.is_alive():
            return
        folder = study.trial_folder(job.trial)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / ".taken", timeout=0):
                attempt(work, Asked(job.trial, spec_of(space, job), folder, code_version()))
        except Timeout:
            continue  # another process is at it
        except FrontierError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(error.exit_code)


def _watch(study: Study, jobs: Sequence[Job], running: Sequence[BaseProcess]) -> None:
    """A line a minute, and one at the end, until no process is left."""
    waiting = {job.trial for job in jobs if not study.finished(job.trial)}
    before, started, said = len(waiting), time.monotonic(), time.monotonic() - SAY_S
    while True:
        alive = any(process.is_alive() for process in running)
        if not alive or time.monotonic() - said >= SAY_S:
            waiting = {trial for trial in waiting if not study.finished(trial)}
            minutes, done = (time.monotonic() - started) / 60, before - len(waiting)
            left = f"about {minutes / done * len(waiting):.0f} min left" if done else "no end known yet"
            there = len(jobs) - len(waiting)
            print(f"{study.name}: {there} of {len(jobs)} trials, {left}", file=sys.stderr, flush=True)
            said = time.monotonic()
        if not alive:
            return
        time.sleep(LOOK_S)


def _manifest(space: Space, name: str) -> StudyManifest:
    return StudyManifest(
        name=name,
        space=space.model_dump(mode="json"),
        space_hash=space.space_hash,
        seed=0,
        sampler="random",
        keep="none",
        relus=space.relus,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=code_version(),
    )
