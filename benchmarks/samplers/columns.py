"""Rows of a recorded table as numbers: coordinates of their parameters, and the values that a sampler is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from frontier.driver.parameters import BUDGET, parameter
from frontier.results.objectives import ACCURACIES, RELU_COUNT
from frontier.spaces.space import Space

Array = NDArray[np.float64]


def coordinates(space: Space, method: str, rows: pd.DataFrame) -> Array:
    """The method's parameters, each scaled to [0, 1] over its range; choices one column an option. -> (n, d)."""
    columns: list[Array] = []
    for name, domain in space.parameters(method).items():
        asked = parameter(name, domain)
        columns += _scaled(asked.distribution, rows[asked.name])
    return np.column_stack(columns) if columns else np.zeros((len(rows), 1))


def log_budget(space: Space, rows: pd.DataFrame) -> Array:
    """log10(max(budget, 1)) as the ReLU count is told. -> (n,)."""
    if not isinstance(space.relu_budget, int):
        asked = parameter(BUDGET, space.relu_budget)
        return np.log10(np.maximum(rows[asked.name].to_numpy(dtype=np.float64) - asked.shift, 1))
    return np.full(len(rows), np.log10(max(space.relu_budget, 1)))


def told(rows: pd.DataFrame) -> Array:
    """What a sampler would have been told of the table's rows. -> (n, 4)."""
    accuracies = [rows[f"validation_{name}"].to_numpy(dtype=np.float64) for name in ACCURACIES]
    counts = np.maximum(rows[RELU_COUNT.name].to_numpy(dtype=np.float64), RELU_COUNT.least)
    return np.column_stack([*accuracies, np.log10(counts)])


def targets(rows: pd.DataFrame, space: Space) -> Array:
    """The same, with the count's logarithm as its distance from that of the budget."""
    values = told(rows)
    values[:, -1] -= log_budget(space, rows)
    return values


def bounded(values: Array) -> Array:
    """Accuracies in [0, 1], at least one ReLU's logarithm. (n, 4) -> (n, 4)."""
    return np.column_stack([np.clip(values[:, :-1], 0, 1), np.maximum(values[:, -1], 0)])


def _scaled(distribution: BaseDistribution, values: pd.Series[Any]) -> list[Array]:
    if isinstance(distribution, CategoricalDistribution):
        return [(values == option).to_numpy(dtype=np.float64) for option in distribution.choices]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    scale = np.log if distribution.log else np.asarray
    low, high, here = (scale(np.asarray(x, float)) for x in (distribution.low, distribution.high, values))
    return [(here - low) / (high - low)]
