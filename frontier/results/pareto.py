"""Pareto front and hypervolume of points given as (clean, corrupted, adversarial, relu_count).

Directions: the three accuracies are maximized, the count is minimized. Every value must be finite: a failed
trial has no point, so NaN here is a defect and raises ValueError. Equal points do not dominate each other,
so all of them stay on the front.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from frontier.results.objectives import OBJECTIVES, log_count

SIGNS = np.array([1.0 if objective.direction == "minimize" else -1.0 for objective in OBJECTIVES])


def _table(values: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    table = np.asarray(values, dtype=np.float64).reshape(-1, len(OBJECTIVES))
    if not np.isfinite(table).all():
        raise ValueError("an objective is not finite; only complete trials have points")
    return table


def front(values: Sequence[Sequence[float]]) -> list[int]:
    """Indices of the non-dominated rows, in order of rising ReLU count. (n, 4) -> at most n."""
    import moocore  # imported here to keep start-up fast

    costs = _table(values) * SIGNS
    if not len(costs):
        return []
    kept = np.flatnonzero(moocore.is_nondominated(costs, keep_weakly=True))
    return sorted(kept.tolist(), key=lambda i: (costs[i, 3], i))


def hypervolume(values: Sequence[Sequence[float]], full: int) -> float:
    """Dominated volume in the unit box: accuracies with reference 0, and 1 - log10(max(count,1))/log10(full)
    with reference 0. `full` is the ReLU count of the network with every ReLU kept."""
    if full < 2:
        raise ValueError(f"hypervolume needs a network with at least 2 ReLUs, got {full}")
    table = _table(values)
    if not len(table):
        return 0.0
    import moocore  # exact (Fonseca, Paquete, Lopez-Ibanez 2006)

    gains = table.copy()
    gains[:, 3] = [1 - log_count(count) / log_count(full) for count in table[:, 3]]
    return float(moocore.hypervolume(-np.clip(gains, 0.0, None), ref=np.zeros(len(OBJECTIVES))))
