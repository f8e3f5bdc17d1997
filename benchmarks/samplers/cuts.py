"""Random searches cut out of the recorded trials: what they found as recorded, and as simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import climbs
import numpy as np
from answers import relus_of, row_in, volume
from columns import Array, told
from landscape import Landscape, lucky
from simulation import rule_of
from table import Table

from frontier.results.rung import Rung


def batches(
    landscape: Landscape, rows: Sequence[dict[str, Any]], values: Array, size: int
) -> list[tuple[int, float, float]]:
    """Recorded random trials, cut into searches of `size` trials: (size, hypervolume as recorded, as simulated)."""
    space, rng, found = landscape.space, np.random.default_rng(0), []
    for start in range(0, len(rows) - size + 1, size):
        exact = landscape.exact(rows[start : start + size])
        noisy = np.array([landscape.noisy(*pair, rng) for pair in zip(exact, rows[start : start + size], strict=True)])
        found.append((size, volume(space, values[start : start + size]), volume(space, noisy)))
    return found


def pruned_batches(
    landscape: Landscape, table: Table, pruner: str, size: int
) -> list[tuple[int, float, float, float, float]]:
    """The same of trials that were recorded with rungs, one after another before the pruner: (size, share of them that
    it stops and hypervolume of the others, as recorded; the same, as simulated)."""
    space, rng, found = landscape.space, np.random.default_rng(0), []
    rule, rows = rule_of(pruner, landscape), table.complete.drop_duplicates("draw")
    rows = rows[~np.isnan(climbs.accuracies(rows, landscape.levels)).any(axis=1)]
    asked = [row_in(space, row) for row in rows.to_dict("records")]
    lucks = [landscape.luck(row, rng) for row in asked]
    noisy = np.array([lucky(*pair) for pair in zip(landscape.exact(asked), lucks, strict=True)])
    real = [climbs.recorded(row, landscape.levels) for row in rows.to_dict("records")]
    made = [landscape.rungs(row, luck, relus_of(end)) for row, luck, end in zip(asked, lucks, noisy, strict=True)]
    for start in range(0, len(rows) - size + 1, size):
        cells: list[float] = []
        for rungs, values in ((real, told(rows)), (made, noisy)):
            left = survivors(rule, rungs[start : start + size])
            cells += [round(1 - len(left) / size, 4), volume(space, values[start : start + size][left])]
        found.append((size, cells[0], cells[1], cells[2], cells[3]))
    return found


def survivors(rule: Any, trials: Sequence[Sequence[Rung]]) -> list[int]:
    """Which of the trials the rule lets reach their end, one after another."""
    beside: dict[int, list[Rung]] = {}
    left = []
    for at, rungs in enumerate(trials):
        for rung in rungs:
            others = beside.setdefault(rung.level, [])
            stopped = rule.stops(rung, others)
            others.append(rung)
            if stopped is not None:
                break
        else:
            left.append(at)
    return left
