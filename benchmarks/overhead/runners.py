"""Who runs trials that do nothing: frontier with a backend, and plain Optuna with a pool of processes.

All ask the same sampler for points of the same space and tell it four values; nobody trains anything.
"""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import optuna
from nothing import figures, nothing

from frontier.driver import events
from frontier.driver.drive import drive
from frontier.driver.parameters import draw, names
from frontier.driver.samplers._draw import Draw
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.frozen import digest
from frontier.registry import load
from frontier.results.store import Study, StudyManifest
from frontier.spaces.space import Space

SPACE = "digits"
Times = list[float]  # when each result was told, in seconds from the start


def run(runner: str, trials: int, at_once: int, sampler: str) -> dict[str, float]:
    """`whole_s` from start to end, all processes gone; `each_ms` between two results; `edge_s`: the rest."""
    from frontier.api.lookups import load_space  # here, so that no process of a pool waits for torch

    space, told = load_space(SPACE), Times()
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        started = time.perf_counter()
        RUNNERS[runner](Path(folder), space, trials, at_once, sampler, lambda: told.append(time.perf_counter()))
        whole_s = time.perf_counter() - started
    assert len(told) == trials, f"{len(told)} results of {trials}"
    between_s = told[-1] - told[0]
    return {"whole_s": whole_s, "each_ms": 1000 * between_s / (trials - 1), "edge_s": whole_s - between_s}


def made(home: Path, space: Space, sampler: str) -> Study:
    """A new study under its space's name."""
    manifest = StudyManifest(
        name=space.name,
        space=space.model_dump(mode="json"),
        space_hash=space.space_hash,
        seed=0,
        sampler=sampler,
        relus=space.relus,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version="benchmark",
    )
    return Study.create(home, manifest, "made by benchmarks/overhead\n")


def _frontier(backend: str) -> Callable[..., None]:
    def run(folder: Path, space: Space, trials: int, at_once: int, sampler: str, tick: Callable[[], None]) -> None:
        os.environ["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")])
        )

        def hear(event: events.Event) -> None:
            if event.event == "finished":
                tick()

        from frontier.trial.runtime import Runtime

        cores = len(os.sched_getaffinity(0))
        work = Work(Runtime(home=folder), evaluate=nothing, concurrency=at_once, cpu=min(1.0, cores / at_once))
        with Search(made(folder, space, sampler), space, trials=trials, on_event=hear) as search:
            drive(search, backend, work)

    return run


def _plain(in_memory: bool) -> Callable[..., None]:
    def run(folder: Path, space: Space, trials: int, at_once: int, sampler: str, tick: Callable[[], None]) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        storage = None if in_memory else f"sqlite:///{folder / 'study.db'}"
        directions = [one.direction for one in space.goals.objectives]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            chosen = load("sampler", sampler).build(Draw(0, 0, names(space)))
        study = optuna.create_study(storage=storage, directions=directions, sampler=chosen)
        running: dict[Future[tuple[float, ...]], optuna.Trial] = {}
        with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
            for asked in range(trials + at_once):
                if len(running) == at_once or asked >= trials:
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        study.tell(running.pop(done), done.result())
                        tick()
                if asked < trials:
                    trial = study.ask()
                    running[pool.submit(idle, draw(trial, space))] = trial
                elif not running:
                    break

    return run


def idle(assignment: Mapping[str, Any]) -> tuple[float, ...]:
    """The values of a trial of plain Optuna, in a process of the pool."""
    budget = int(assignment["relu_budget"])
    return (*figures(budget, digest(dict(assignment), 12)), float(budget))


RUNNERS: dict[str, Callable[..., None]] = {
    "frontier, ray": _frontier("ray"),
    "frontier, inline": _frontier("inline"),
    "Optuna, pool, SQLite": _plain(in_memory=False),
    "Optuna, pool, in memory": _plain(in_memory=True),
}
