"""Scrambled Sobol points (Owen 1998): trial N is point N of one sequence, whatever happened before.

Optuna's own QMC sampler keeps its index in the database and covers only what all trials share; this one needs no
memory. The parameters of a trial read the coordinates of its point in the order in which they are drawn, so knobs
of different methods share coordinates and the budget always has the first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, final

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats.qmc import Sobol

from frontier.driver.seeds import derive

DIMENSIONS = 32


def build(seed: int, trial: int) -> optuna.samplers.BaseSampler:
    """The sampler that hands out point `trial` of the sequence `seed`."""
    return _SobolPoint(seed, trial)


def _coordinates(seed: int, trial: int) -> Iterator[float]:
    """Point `trial`, each coordinate in [0, 1), then random numbers: for re-draws and for more than 32 parameters."""
    sequence = Sobol(DIMENSIONS, scramble=True, rng=np.random.default_rng(derive("qmc", seed)))
    if trial:
        sequence.fast_forward(trial)
    spare = np.random.default_rng(derive("qmc", seed, trial))
    return itertools.chain(map(float, sequence.random(1)[0]), (float(spare.random()) for _ in itertools.count()))


def _quantile(distribution: BaseDistribution, share: float) -> Any:
    """The value below which the `share` of the (log-)uniform distribution lies."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(share * len(distribution.choices))]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    whole = isinstance(distribution, IntDistribution)
    low, high = float(distribution.low), float(distribution.high)
    if whole:
        low, high = low - 0.5, high + 0.5
    if distribution.log:
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low)
    if whole:
        return min(max(round(value), int(distribution.low)), int(distribution.high))
    return min(max(value, low), high)


@final
class _SobolPoint(optuna.samplers.BaseSampler):
    """Hands out the coordinates of one point, one for each parameter that is asked."""

    def __init__(self, seed: int, trial: int) -> None:
        self._shares = _coordinates(seed, trial)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return _quantile(param_distribution, next(self._shares))
