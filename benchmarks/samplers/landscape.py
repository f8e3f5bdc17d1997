"""A model of a recorded table: parameters -> four objectives, by cross-validation; seed noise; how long a trial takes.

Each method has models of its own, one an objective; the ReLU count is modelled as its logarithm less that of the
budget. The noise of a trial is a difference that was seen between two seeds at about that budget, over sqrt(2), all
four objectives together; its seconds are those of the nearest recorded trial.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats import spearmanr
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.model_selection import GroupKFold
from table import Table

from frontier.driver.parameters import BUDGET, METHOD, parameter
from frontier.errors import InputError
from frontier.frozen import Frozen
from frontier.results.objectives import ACCURACIES, RELU_COUNT
from frontier.spaces.goals import FOUR
from frontier.spaces.space import Space

Array = NDArray[np.float64]
TARGETS = (*ACCURACIES, RELU_COUNT.name)
FOLDS = 5
FITTED_TO = 300  # rows that a Gaussian process's kernel is fitted to; its predictions rest on all of them
NEIGHBOURS = 20  # pairs of seeds at the nearest budgets, of which one is a trial's noise
FEWEST_PAIRS = 5


class Fit(Frozen):
    """How well the chosen model predicts trials that it was not fitted to. `noise`: the standard deviation over seeds,
    which no model can be below; `rmse` and `noise` of the ReLU count are in decades."""

    method: str
    objective: str
    model: str
    rmse: float
    rank: float | None  # Spearman's; None where all values are the same
    noise: float
    others: dict[str, float]  # rmse of the models that were not chosen


@dataclass(frozen=True)
class Landscape:
    """What the recorded trials say of all others. Values are told ones: accuracies, and log10 of the ReLU count."""

    space: Space
    fits: tuple[Fit, ...]
    pairs: int
    models: Mapping[str, Sequence[Any]]
    recorded: Mapping[str, tuple[Array, Array]]  # by method: coordinates and seconds
    noises: Array  # (pairs, 4)
    noise_budgets: Array  # log10(budget + 1) of each pair

    def exact(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Without noise. Rows of Optuna's parameters -> (n, 4)."""
        found = np.empty((len(rows), len(TARGETS)))
        methods = np.array([row[METHOD] for row in rows])
        for method in dict.fromkeys(methods.tolist()):
            at = np.flatnonzero(methods == method)
            frame = pd.DataFrame([rows[i] for i in at])
            places = coordinates(self.space, method, frame)
            columns = [model.predict(places) for model in self.models[method]]
            columns[-1] = columns[-1] + log_budget(self.space, frame)
            found[at] = np.column_stack(columns)
        return bounded(found)

    def noisy(self, exact: Array, row: Mapping[str, Any], rng: np.random.Generator) -> Array:
        """One trial's values as some seed would have measured them. (4,) -> (4,)."""
        away = np.abs(self.noise_budgets - log_budget(self.space, pd.DataFrame([row]))[0])
        near = np.argsort(away, kind="stable")[:NEIGHBOURS]
        return bounded((exact + self.noises[rng.choice(near)] * rng.choice((-1.0, 1.0)))[None])[0]

    def seconds(self, row: Mapping[str, Any]) -> float:
        """Of the nearest recorded trial of the method."""
        places, seconds = self.recorded[row[METHOD]]
        here = coordinates(self.space, row[METHOD], pd.DataFrame([row]))
        return float(seconds[((places - here) ** 2).sum(axis=1).argmin()])


def landscape_of(table: Table, space: Space) -> Landscape:
    """Raises InputError where too few trials were recorded to say anything, and for prices as objectives."""
    if space.goals != FOUR:
        raise InputError("not the four usual objectives", expected=", ".join(TARGETS), got=", ".join(space.goals.names))
    rows = table.complete
    pairs, budgets = _pairs(rows, space)
    if len(pairs) < FEWEST_PAIRS:
        raise InputError(
            "too few trials were run under two seeds to know the noise",
            expected=f"at least {FEWEST_PAIRS}",
            got=len(pairs),
            fix="record more",
        )
    noise = np.sqrt((pairs**2).mean(axis=0))
    fits: list[Fit] = []
    models, recorded = {}, {}
    for method in space.method_names:
        mine = rows[rows[METHOD] == method].reset_index(drop=True)
        places, values = coordinates(space, method, mine), _targets(mine, space)
        if mine.draw.nunique() < 2 * FOLDS:
            what = f"too few recorded trials of the method '{method}'"
            raise InputError(what, expected=f"at least {2 * FOLDS}", got=mine.draw.nunique(), fix="record more")
        chosen = [
            _chosen(places, values[:, i], mine.draw.to_numpy(), method, target, float(noise[i]))
            for i, target in enumerate(TARGETS)
        ]
        fits += chosen
        models[method] = [MODELS[fit.model](places, values[:, i]) for i, fit in enumerate(chosen)]
        taken = mine[[name for name in mine if name.startswith("s_") and name != "s_teacher"]].fillna(0).sum(axis=1)
        recorded[method] = (places, taken.to_numpy(dtype=np.float64))
    return Landscape(space, tuple(fits), len(pairs), models, recorded, pairs, budgets)


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


def told(rows: pd.DataFrame) -> Array:
    """What a sampler would have been told of the table's rows. -> (n, 4)."""
    accuracies = [rows[f"validation_{name}"].to_numpy(dtype=np.float64) for name in ACCURACIES]
    counts = np.maximum(rows[RELU_COUNT.name].to_numpy(dtype=np.float64), RELU_COUNT.least)
    return np.column_stack([*accuracies, np.log10(counts)])


def _targets(rows: pd.DataFrame, space: Space) -> Array:
    """The same, with the count's logarithm as its distance from that of the budget."""
    values = told(rows)
    values[:, -1] -= log_budget(space, rows)
    return values


def _pairs(rows: pd.DataFrame, space: Space) -> tuple[Array, Array]:
    """Differences of two seeds over sqrt(2), (pairs, 4), and the logarithm of their budget."""
    values, budgets = _targets(rows, space), log_budget(space, rows)
    found, at = [], []
    for same in rows.groupby("draw").indices.values():
        for first, second in pairwise(same):
            found.append((values[second] - values[first]) / np.sqrt(2))
            at.append(budgets[first])
    return np.array(found).reshape(-1, len(TARGETS)), np.array(at)


def _chosen(places: Array, values: Array, draws: NDArray[Any], method: str, target: str, noise: float) -> Fit:
    """The model with the smallest error on folds that it was not fitted to; seeds of one trial share a fold."""
    held_out = {name: _held_out(fit, places, values, draws) for name, fit in MODELS.items()}
    rmse = {name: float(np.sqrt(((found - values) ** 2).mean())) for name, found in held_out.items()}
    best = min(rmse, key=lambda name: rmse[name])
    varied = np.ptp(values) > 0 and np.ptp(held_out[best]) > 0
    return Fit(
        method=method,
        objective=target,
        model=best,
        rmse=rmse.pop(best),
        rank=float(spearmanr(values, held_out[best]).statistic) if varied else None,
        noise=noise,
        others=rmse,
    )


def _held_out(fit: Callable[[Array, Array], Any], places: Array, values: Array, draws: NDArray[Any]) -> Array:
    found = np.empty(len(values))
    for kept, left in GroupKFold(FOLDS).split(places, groups=draws):
        found[left] = fit(places[kept], values[kept]).predict(places[left])
    return found


def _gaussian_process(places: Array, values: Array) -> Any:
    """Its kernel is fitted to a part of the rows, which costs the cube of their number."""
    some = np.random.default_rng(0).permutation(len(values))[:FITTED_TO]
    scales = np.ones(places.shape[1])
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * Matern(scales, (1e-2, 1e3), nu=2.5) + WhiteKernel(0.1, (1e-8, 1e1))
    if np.ptp(values) == 0:  # nothing to model, and no scale to normalize by
        return GaussianProcessRegressor(kernel, optimizer=None).fit(places[some], values[some])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a parameter without effect has its scale at the bound
        fitted = GaussianProcessRegressor(kernel, normalize_y=True).fit(places[some], values[some])
    return GaussianProcessRegressor(fitted.kernel_, optimizer=None, normalize_y=True).fit(places, values)


def _trees(places: Array, values: Array) -> Any:
    return ExtraTreesRegressor(300, min_samples_leaf=2, random_state=0).fit(places, values)


def _boosting(places: Array, values: Array) -> Any:
    return HistGradientBoostingRegressor(max_iter=200, learning_rate=0.05, random_state=0).fit(places, values)


MODELS: Mapping[str, Callable[[Array, Array], Any]] = {
    "gaussian process": _gaussian_process,
    "extra trees": _trees,
    "gradient boosting": _boosting,
}
