"""Pareto front and hypervolume of rows of numbers, one column an objective.

Every value must be finite: a failed trial has no point, so NaN here is a defect and raises ValueError. Equal rows do
not dominate each other, so all of them stay on the front.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rows = Sequence[Sequence[float]]


def front(costs: Rows) -> list[int]:
    """Indices of the non-dominated rows, in their order; every column is minimized. (n, m) -> at most n."""
    import moocore  # imported here to keep start-up fast

    if not len(costs):
        return []
    kept = np.flatnonzero(moocore.is_nondominated(_table(costs), keep_weakly=True))
    return [int(i) for i in kept]


def hypervolume(gains: Rows) -> float:
    """The volume that the rows dominate, with reference point 0; what is below 0 gains nothing. (n, m), at most 1."""
    if not len(gains):
        return 0.0
    table = _table(gains)
    import moocore  # exact (Fonseca, Paquete, Lopez-Ibanez 2006)

    return float(moocore.hypervolume(-np.clip(table, 0.0, None), ref=np.zeros(table.shape[1])))


def _table(rows: Rows) -> NDArray[np.float64]:
    table = np.asarray(rows, dtype=np.float64)
    if not np.isfinite(table).all():
        raise ValueError("an objective is not finite; only complete trials have points")
    return table
