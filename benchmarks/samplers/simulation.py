"""Searches over a landscape: the driver's own Search and samplers; only what would train is answered by the model.

Trials run side by side on a clock of their own: the one that ends next is told, then the next one is asked. Asking
costs no time on that clock. With a pruner trials stop at their rungs on the way, where the pruner itself says so of
their modelled accuracies; being looked at takes time. A search is scored by the landscape without noise.
"""

from __future__ import annotations

import heapq
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import final

import numpy as np
from answers import VERSION, answer, pruned, relus_of, row_of, volume
from columns import Array
from evidence import Run
from landscape import Landscape, lucky

from frontier import registry
from frontier.driver.memory import Memory
from frontier.driver.seeds import derive
from frontier.driver.study import Search
from frontier.driver.work import Asked
from frontier.errors import InputError
from frontier.pruners.stratified import GRACE, REDUCTION
from frontier.results.rung import Rung
from frontier.results.store import Study, StudyManifest, write_record
from frontier.spaces.space import Space

DENSE = 8192  # random trials, whose hypervolume is 100 %
DENSE_SEED = 10_001  # no search's
MOST = 10  # times the trials of a search, at most, until its time is over


@dataclass(frozen=True)
class Setting:
    """One search to simulate: so many trials, pruned ones too, or more until one of them ends at `until_s` or later."""

    sampler: str
    seed: int
    trials: int
    concurrency: int
    pruner: str | None = None
    until_s: float = 0.0


@dataclass(frozen=True)
class Trial:
    """One that runs. `looks`: the seconds on the search's clock at which it has been measured at a rung, and how it
    stands there; it ends at `ends`."""

    asked: Asked
    exact: Array
    told: Array
    looks: Sequence[tuple[float, Rung]]
    ends: float

    def comes(self, seen: int) -> tuple[float, int, int, Trial]:
        """When it is told of next, after so many rungs; an entry of a heap, that no other trial equals."""
        when = self.looks[seen][0] if seen < len(self.looks) else self.ends
        return when, self.asked.trial, seen, self


def simulate(landscape: Landscape, setting: Setting) -> Run:
    """One search from its first trial to its last. Raises InputError where the pruner's rungs were not recorded."""
    rule = rule_of(setting.pruner, landscape)
    space = landscape.space
    curves = _Curves(landscape)
    beside: dict[int, list[Rung]] = {level: [] for level in landscape.levels}
    ask_s: list[float] = []
    most = MOST * setting.trials if setting.until_s else setting.trials
    with tempfile.TemporaryDirectory() as folder:
        study = Study.create(Path(folder), _manifest(space, setting), "simulated\n")
        with Search(study, space, trials=most, database=False) as search:
            clock, running = 0.0, list[tuple[float, int, int, Trial]]()
            while len(curves.exact) < setting.trials or curves.ended_s[-1] < setting.until_s:
                while len(running) < setting.concurrency:
                    began = time.perf_counter()
                    asked = search.ask()
                    if asked is None:
                        break
                    ask_s.append(round(time.perf_counter() - began, 4))
                    rng = np.random.default_rng(derive("noise", setting.sampler, setting.seed, asked.trial))
                    heapq.heappush(running, started(landscape, asked, clock, rng, looked_at=rule is not None).comes(0))
                if not running:
                    break
                clock, number, seen, trial = heapq.heappop(running)
                if rule is None or seen == len(trial.looks):
                    write_record(trial.asked.folder, answer(trial.asked, trial.told))
                    curves.add(clock, trial)
                else:
                    rung = trial.looks[seen][1]
                    stopped = rule.stops(rung, beside[rung.level])
                    beside[rung.level].append(rung.model_copy(update={"stopped": stopped}))
                    if stopped is None:
                        heapq.heappush(running, trial.comes(seen + 1))
                        continue
                    write_record(trial.asked.folder, pruned(trial.asked, stopped))
                    curves.add(clock, None)
                search.collect(number)
    return Run(
        sampler=setting.sampler,
        pruner=setting.pruner,
        seed=setting.seed,
        concurrency=setting.concurrency,
        exact=tuple(curves.exact),
        observed=tuple(curves.observed),
        ended_s=tuple(curves.ended_s),
        pruned=tuple(curves.pruned),
        ask_s=tuple(ask_s),
    )


def rule_of(pruner: str | None, landscape: Landscape) -> ModuleType | None:
    """Who stops trials. Raises InputError where it cannot be asked of this landscape."""
    if pruner is None:
        return None
    rule = registry.load("pruner", pruner)
    if not landscape.levels:
        raise InputError("too few trials were recorded with rungs to ask a pruner", got=pruner, fix="record more")
    if (rule.REDUCTION, rule.GRACE) != (REDUCTION, GRACE):
        raise InputError(
            f"the pruner '{pruner}' has rungs where no trial was looked at",
            expected=f"REDUCTION {REDUCTION}, GRACE {GRACE:.3g}",
            got=f"{rule.REDUCTION}, {rule.GRACE:.3g}",
        )
    return rule


def started(landscape: Landscape, asked: Asked, clock: float, rng: np.random.Generator, *, looked_at: bool) -> Trial:
    """A trial that begins now, with all that it will find."""
    row = row_of(landscape.space, asked.spec)
    luck, exact = landscape.luck(row, rng), landscape.exact([row])[0]
    told = lucky(exact, luck)
    ends = clock + landscape.seconds(row)
    if not looked_at:
        return Trial(asked, exact, told, (), ends)
    looks, spent = [], 0.0
    rungs = landscape.rungs(row, luck, relus_of(told))
    for rung, (since, measure) in zip(rungs, landscape.looks(row), strict=True):
        spent += measure
        looks.append((clock + since + spent, rung))
    return Trial(asked, exact, told, looks, ends + spent)


def dense(landscape: Landscape) -> tuple[float, float]:
    """Of DENSE random trials: the hypervolume without noise, and the mean seconds of one that nobody looks at."""
    space, memory = landscape.space, Memory(None, landscape.space, "random", DENSE_SEED)
    rows = []
    for trial in range(DENSE):
        rows.append(row_of(space, space.spec(next(memory.ask(trial)), seed=0)))
        memory.abandon(trial)
    return volume(space, landscape.exact(rows)), fmean(landscape.seconds(row) for row in rows)


@final
class _Curves:
    """Hypervolumes after each trial that has ended, and when that was."""

    def __init__(self, landscape: Landscape) -> None:
        self._space = landscape.space
        self._exact: list[Array] = []
        self._told: list[Array] = []
        self.exact: list[float] = []
        self.observed: list[float] = []
        self.ended_s: list[float] = []
        self.pruned: list[int] = []

    def add(self, clock: float, trial: Trial | None) -> None:
        """None for one that was stopped: it adds nothing."""
        if trial is None:
            self.pruned.append(len(self.exact))
        else:
            self._exact.append(trial.exact)
            self._told.append(trial.told)
        self.exact.append(volume(self._space, np.array(self._exact)))
        self.observed.append(volume(self._space, np.array(self._told)))
        self.ended_s.append(round(clock, 3))


def _manifest(space: Space, setting: Setting) -> StudyManifest:
    return StudyManifest(
        name=VERSION,
        space=space.model_dump(mode="json"),
        space_hash=space.space_hash,
        seed=setting.seed,
        sampler=setting.sampler,
        pruner=setting.pruner,
        relus=space.relus,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=VERSION,
    )
