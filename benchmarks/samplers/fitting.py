"""Models of one value over the parameters: three kinds, of which the one that predicts best is taken."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from columns import Array
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.model_selection import GroupKFold

from frontier.frozen import Frozen

FOLDS = 5
FITTED_TO = 300  # rows that a Gaussian process's kernel is fitted to; its predictions rest on all of them


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


def fitted(
    places: Array, values: Array, draws: NDArray[Any], *, method: str, objective: str, noise: float
) -> tuple[Fit, Any]:
    """The model with the smallest error on folds that it was not fitted to; seeds of one trial share a fold."""
    held_out = {name: _held_out(fit, places, values, draws) for name, fit in MODELS.items()}
    rmse = {name: float(np.sqrt(((found - values) ** 2).mean())) for name, found in held_out.items()}
    best = min(rmse, key=lambda name: rmse[name])
    varied = np.ptp(values) > 0 and np.ptp(held_out[best]) > 0
    about = Fit(
        method=method,
        objective=objective,
        model=best,
        rmse=rmse.pop(best),
        rank=float(spearmanr(values, held_out[best]).statistic) if varied else None,
        noise=noise,
        others=rmse,
    )
    return about, MODELS[best](places, values)


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
