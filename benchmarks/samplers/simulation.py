"""Searches over a landscape: the driver's own Search and samplers; only what would train is answered by the model.

Trials run side by side on a clock of their own: the one that ends next is told, then the next one is asked. Asking
costs no time on that clock. A search is scored by the landscape without noise.
"""

from __future__ import annotations

import heapq
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

import numpy as np
from evidence import Run
from landscape import Array, Landscape

from frontier.driver.memory import Memory
from frontier.driver.parameters import METHOD, parameter, remembered
from frontier.driver.seeds import derive
from frontier.driver.study import Search
from frontier.driver.work import Asked
from frontier.results.measure import Measure
from frontier.results.objectives import ACCURACIES
from frontier.results.profile import Profile
from frontier.results.record import MaskFile, Origin, Point, ReluCount, Scores, TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import Study, StudyManifest, write_record
from frontier.spaces.space import Space

DENSE = 8192  # random trials, whose hypervolume is 100 %
DENSE_SEED = 10_001  # no search's
IMAGES = 1000  # a Measure says of how many it is; nothing here depends on it
VERSION = "simulated"


@dataclass(frozen=True)
class Setting:
    """One search to simulate. With a scheduler there would be one field more here, and rungs among what is recorded."""

    sampler: str
    seed: int
    trials: int
    concurrency: int


def simulate(landscape: Landscape, setting: Setting) -> Run:
    """One search from its first trial to its last."""
    space = landscape.space
    curves = _Curves(landscape)
    ask_s: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        study = Study.create(Path(folder), _manifest(space, setting), "simulated\n")
        with Search(study, space, trials=setting.trials, database=False) as search:
            clock, running = 0.0, list[tuple[float, int, Asked]]()
            while True:
                while len(running) < setting.concurrency:
                    began = time.perf_counter()
                    asked = search.ask()
                    if asked is None:
                        break
                    ask_s.append(round(time.perf_counter() - began, 4))
                    ends = clock + landscape.seconds(row_of(space, asked.spec))
                    heapq.heappush(running, (ends, asked.trial, asked))
                if not running:
                    break
                clock, trial, asked = heapq.heappop(running)
                rng = np.random.default_rng(derive("noise", setting.sampler, setting.seed, trial))
                write_record(asked.folder, answer(asked, curves.add(row_of(space, asked.spec), rng)))
                search.collect(trial)
    return Run(
        sampler=setting.sampler,
        seed=setting.seed,
        concurrency=setting.concurrency,
        exact=tuple(curves.exact),
        observed=tuple(curves.observed),
        ask_s=tuple(ask_s),
    )


def dense(landscape: Landscape) -> float:
    """The hypervolume without noise of DENSE random trials."""
    space, memory = landscape.space, Memory(None, landscape.space, "random", DENSE_SEED)
    rows = []
    for trial in range(DENSE):
        rows.append(row_of(space, space.spec(next(memory.ask(trial)), seed=0)))
        memory.abandon(trial)
    return volume(space, landscape.exact(rows))


def batches(
    landscape: Landscape, rows: Sequence[dict[str, Any]], told: Array, size: int
) -> list[tuple[int, float, float]]:
    """Recorded random trials, cut into searches of `size` trials: (size, hypervolume as recorded, as simulated)."""
    space, rng, found = landscape.space, np.random.default_rng(0), []
    for start in range(0, len(rows) - size + 1, size):
        exact = landscape.exact(rows[start : start + size])
        noisy = np.array([landscape.noisy(*pair, rng) for pair in zip(exact, rows[start : start + size], strict=True)])
        found.append((size, volume(space, told[start : start + size]), volume(space, noisy)))
    return found


def row_of(space: Space, spec: TrialSpec) -> dict[str, Any]:
    """The spec's parameters as the sampler and the table know them."""
    known = remembered(space, spec, spec.relu_budget)
    assert known is not None, "a space asks what lies in it"
    return dict(known[0])


def row_in(space: Space, row: dict[str, Any]) -> dict[str, Any]:
    """The same of a row of the table, whose columns are those of all methods."""
    domains = space.parameters(row[METHOD]).items()
    return {METHOD: row[METHOD]} | {name: row[name] for name in (parameter(*pair).name for pair in domains)}


def volume(space: Space, told: Array) -> float:
    """Of told values, whose last one is log10 of the ReLU count. (n, 4)."""
    rows = [(*accuracies, 10.0**count) for *accuracies, count in told.tolist()]
    return round(space.goals.hypervolume(rows, space.relus), 6)


def answer(asked: Asked, told: Array) -> TrialRecord:
    """A record with these values, as the search reads it."""
    *accuracies, count = told.tolist()
    relus = round(10.0**count) if count else 0
    measured = dict(zip(ACCURACIES, (Measure.of(value, IMAGES) for value in accuracies), strict=True))
    scores = Scores(**measured)
    point = Point(
        relu_budget=asked.spec.relu_budget,
        relu_count=relus,
        counts=ReluCount(full=relus, inner=relus),
        validation=scores,
        test=scores,
        profile=Profile(sites=(), linear=()),
        mask=MaskFile(file="none", hash="none"),
    )
    origin = Origin(code_version=VERSION, device=VERSION, threads=1)
    return TrialRecord(trial=asked.trial, state="complete", spec=asked.spec, points=(point,), origin=origin)


@final
class _Curves:
    """Hypervolumes after each trial that has ended."""

    def __init__(self, landscape: Landscape) -> None:
        self._landscape = landscape
        self._exact: list[Array] = []
        self._noisy: list[Array] = []
        self.exact: list[float] = []
        self.observed: list[float] = []

    def add(self, row: dict[str, Any], rng: np.random.Generator) -> Array:
        """The trial's values as they are observed."""
        exact = self._landscape.exact([row])[0]
        noisy = self._landscape.noisy(exact, row, rng)
        self._exact.append(exact)
        self._noisy.append(noisy)
        self.exact.append(volume(self._landscape.space, np.array(self._exact)))
        self.observed.append(volume(self._landscape.space, np.array(self._noisy)))
        return noisy


def _manifest(space: Space, setting: Setting) -> StudyManifest:
    return StudyManifest(
        name=VERSION,
        space=space.model_dump(mode="json"),
        space_hash=space.space_hash,
        seed=setting.seed,
        sampler=setting.sampler,
        relus=space.relus,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=VERSION,
    )
