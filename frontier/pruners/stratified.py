"""Asynchronous successive halving (Li et al., MLSys 2020) that compares a trial with those of similar ReLU counts.

A network of few ReLUs converges later, and lies below one of many in every accuracy: ranked by clean accuracy, or by
non-dominance, the early rungs lose just the end of the front that is sought. Here each trial is scored by how far its
accuracies lie above what its neighbours in the logarithm of the ReLU count let expect, in their standard deviations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from frontier.results.rung import Rung

REDUCTION = 2  # one in so many goes on
GRACE = 1 / 9  # share of the finetuning that everybody gets
NEIGHBOURS = 8  # trials of the nearest ReLU counts that one is scored beside
FEWEST = 4  # with fewer others at the rung nobody is stopped
NOISE = 0.005  # standard deviations are not taken for smaller: no accuracy is known better
TIE = 1e-6  # scores that differ by less are equal
FLAT = 0.05  # added to the variance of log(ReLUs + 1): neighbours of one count know no slope


def stops(mine: Rung, others: Sequence[Rung]) -> str | None:
    """Why the trial is stopped; None where it goes on. `others` have been at the same rung, stopped or not."""
    if len(others) < FEWEST:
        return None
    scores = _scores([mine, *others])
    better = int((scores[1:] > scores[0] + TIE).sum())
    if better < len(scores) / REDUCTION:
        return None
    return f"{better} of {len(others)} others stood better beside networks of similar ReLU counts"


def _scores(rungs: Sequence[Rung]) -> np.ndarray:
    """(N,): the sum over the accuracies of (own - expected) / sd.

    Expected is what the line through the NEIGHBOURS nearest in log(ReLUs + 1) says, so that the ends of the front,
    whose neighbours all lie to one side, are not taken for better or worse than they are.
    """
    counts = np.log([rung.relu_count + 1.0 for rung in rungs])
    accuracies = np.array([rung.accuracies for rung in rungs])
    apart = np.abs(counts[:, None] - counts[None, :])
    np.fill_diagonal(apart, np.inf)
    near = _nearest(apart, accuracies)
    x, y = counts[near], accuracies[near]
    away = (x - x.mean(axis=1, keepdims=True))[:, :, None]
    slope = (away * (y - y.mean(axis=1, keepdims=True))).mean(axis=1) / ((away**2).mean(axis=1) + FLAT)
    level = y.mean(axis=1)
    spread = np.maximum((y - level[:, None] - slope[:, None] * away).std(axis=1), NOISE)
    expected = level + slope * (counts - x.mean(axis=1))[:, None]
    scores: np.ndarray = ((accuracies - expected) / spread).sum(axis=1)
    return scores


def _nearest(apart: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """(N, NEIGHBOURS) or fewer; of equally near ones the better first, so that the order of the trials is nothing."""
    keys = [np.broadcast_to(-column, apart.shape) for column in accuracies.T[::-1]]
    order: np.ndarray = np.lexsort([*keys, apart], axis=1)[:, : min(NEIGHBOURS, len(apart) - 1)]
    return order
