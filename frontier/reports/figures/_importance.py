"""Importance of knobs: how much worse a model predicts an objective once one knob's values are shuffled.

A forest of extremely randomized trees (Geurts et al. 2006) predicts points that it was not grown on, in FOLDS parts;
then one knob at a time is shuffled among these, and its importance is what the squared error rises by, as a share of
the objective's variance (permutation importance; Breiman 2001). Seeds are fixed: equal points give equal numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FOLDS, TREES, SHUFFLES, RESAMPLES = 5, 40, 5, 500


@dataclass(frozen=True)
class Importance:
    """Of each feature for each target, (features, targets): the mean rise, and the ends of its 95 % interval over
    resampled points (bootstrap). `explained`, (targets,): the share of the variance that the model predicts on points
    it has not seen; at 0 or below the importances mean nothing."""

    mean: Floats
    low: Floats
    high: Floats
    explained: Floats


def importance(features: Floats, targets: Floats) -> Importance:
    """(n, features), (n, targets) with at least FOLDS points; a target that does not vary explains nothing."""
    from sklearn.ensemble import ExtraTreesRegressor

    n, width = features.shape
    spread = targets.std(axis=0)
    spread[spread < 1e-9 * np.abs(targets).max(axis=0)] = 0.0  # rounding
    scaled = (targets - targets.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    rng = np.random.default_rng(0)
    parts = np.array_split(rng.permutation(n), FOLDS)
    error = np.zeros_like(scaled)
    shuffled = np.zeros((width, *scaled.shape))
    for part in parts:
        rest = np.setdiff1d(np.arange(n), part)
        forest = ExtraTreesRegressor(n_estimators=TREES, min_samples_leaf=2, random_state=0)
        forest.fit(features[rest], scaled[rest])
        tried = [features[part]]
        for feature in range(width):
            for _ in range(SHUFFLES):
                other = features[part].copy()
                other[:, feature] = rng.choice(features[:, feature], size=len(part))
                tried.append(other)
        seen = forest.predict(np.concatenate(tried)).reshape(len(tried), len(part), -1)
        errors = (seen - scaled[part]) ** 2
        error[part] = errors[0]
        shuffled[:, part] = errors[1:].reshape(width, SHUFFLES, len(part), -1).mean(axis=1)
    rises = shuffled - error
    weights = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n
    low, high = np.quantile(np.tensordot(weights, rises, axes=(1, 1)), (0.025, 0.975), axis=0)
    explained = np.where(spread > 0, 1 - error.mean(axis=0), 0.0)
    return Importance(rises.mean(axis=1), low, high, explained)
