"""What a sampler is built for, and points whose every coordinate is known before anything is asked."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution


@dataclass(frozen=True)
class Draw:
    """One trial of a study. `seed` is derived from the space's hash and the study's seed. `names`: every parameter of
    the space, those of all its methods, always in the same order: the axes of the full-dimensional point."""

    seed: int
    trial: int
    names: tuple[str, ...]


Shares = Callable[[str, int], float]  # (parameter, how often it was asked before) -> coordinate in [0, 1)


@final
class Point(optuna.samplers.BaseSampler):
    """Hands out the coordinates of one point by the parameters' names, whatever else is asked or left out."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._asked: Counter[str] = Counter()

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
        share = self._shares(param_name, self._asked[param_name])
        self._asked[param_name] += 1
        return quantile(param_distribution, share)


def quantile(distribution: BaseDistribution, share: float) -> Any:
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
