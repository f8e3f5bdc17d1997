"""Fitting a protocol's constants to what was measured, by non-negative least squares of the relative errors.

* What a ReLU, a square, and a layer of either take of a processor: from the client's CPU seconds on loopback, which
  other work on the machine moves least. Both parties do this work at the same time.
* What the server's linear layers take: from what its CPU seconds are more than the client's.
* Hops, and the bytes that transfers are timed by: from the wall clock over a link, less all of the above. Only runs
  count of which the network takes at least half by the price as it was: elsewhere what is left over is other work's.

What the measurements cannot tell apart keeps its value, and so does what they hardly hold: what makes up less than a
twentieth of the figures by its value so far, or makes no such difference beside the others, is lost in their noise.
That is the root mean square over the rows that hold it: what is a hundredth of each of many rows is still a hundredth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from frontier.latency._calibrated import LINEAR, NETWORK, WORK
from frontier.latency._constant import Constant
from frontier.latency._formula import Costs, additive, client_cpu_s
from frontier.latency._observed import Row

APART = 0.02  # of the column of a constant that was 0 must be in no other one
SEEN = 0.05  # of the measured figures that hold any other constant must differ by it, or it is lost in the noise
ABSENT, LOST, TOGETHER = (
    "in none of these runs",
    "too little of these runs to be seen",
    "not told from the others above",
)


class Fitted(NamedTuple):
    """A constant that can be fitted: `runs` is 0 where it kept its value, and `note` says on what, or why."""

    value: float
    runs: int
    note: str


def fit(costs: Costs, rows: Sequence[Row]) -> dict[str, Fitted]:
    """The constants that can be fitted, by name; those of squares only where the protocol knows squares."""
    known = costs.named()
    loopback = [row for row in rows if row.loopback]
    found = _fitted(
        known,
        [name for name in WORK if name in known],
        [(row, _of_work(row), row.client_cpu_s, row.client_cpu_s) for row in loopback],
        "client's CPU seconds, loopback",
    )
    beyond = [(row, _of_linear(costs, row), row.server_cpu_s - row.client_cpu_s, row.server_cpu_s) for row in loopback]
    found |= _fitted(known, [LINEAR], beyond, "server's CPU seconds beyond the client's, loopback")
    working = costs.replaced({name: one.value for name, one in found.items()}, "being fitted")
    over = [(row, _of_network(row), _left_s(working, row), row.online_s) for row in rows if _waits(costs, row)]
    names = [name for name in NETWORK if name in known]
    return found | _fitted(known, names, over, "wall clock over links")


Columns = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Equation = tuple[Row, dict[str, float], float, float]  # coefficients, what they must give, what errors are relative to


def _fitted(
    known: Mapping[str, Constant], names: Sequence[str], equations: Sequence[Equation], source: str
) -> dict[str, Fitted]:
    """Those that the equations tell apart, in the order of the names; the others as they are known."""
    usual = np.array([known[name].value for name in names])
    weights = np.array([1 / max(scale, 1e-9) for *_, scale in equations])
    matrix = np.array([[columns[name] for name in names] for _, columns, *_ in equations]).reshape(-1, len(names))
    target = np.array([seconds for *_, seconds, _ in equations])
    weighted = matrix * weights[:, None]
    reasons = _reasons(weighted, usual)
    chosen = [index for index, reason in enumerate(reasons) if reason is None]
    kept = [index for index, reason in enumerate(reasons) if reason is not None]
    values = usual.copy()
    if chosen:
        left = (target - matrix[:, kept] @ usual[kept]) * weights
        sizes = np.linalg.norm(weighted[:, chosen], axis=0)  # seconds and bytes are many magnitudes apart
        values[chosen] = nnls(weighted[:, chosen] / sizes, left)[0] / sizes
    return {
        name: Fitted(float(value), 0 if reason else _runs(equations, name), f"{source}: {reason}" if reason else source)
        for name, value, reason in zip(names, values, reasons, strict=True)
    }


def _reasons(weighted: Columns, usual: Columns) -> list[str | None]:
    """Of every column, why it cannot be fitted; None where it has a part that those before it do not span, and which
    is enough of the figures to be seen."""
    chosen: list[int] = []
    reasons: list[str | None] = []
    for index, value in enumerate(usual):
        column, before = weighted[:, index], weighted[:, chosen]
        spanned = before @ np.linalg.lstsq(before, column, rcond=None)[0] if chosen else np.zeros_like(column)
        root = math.sqrt(np.count_nonzero(column) or 1)
        whole, own = (float(np.linalg.norm(part)) / root for part in (column, column - spanned))
        enough = SEEN / value if value else APART * whole
        reasons.append(ABSENT if not whole else LOST if whole < enough else TOGETHER if own < enough else None)
        if reasons[-1] is None:
            chosen.append(index)
    return reasons


def _runs(equations: Sequence[Equation], name: str) -> int:
    return sum(row.runs for row, columns, *_ in equations if columns[name])


def _of_work(row: Row) -> dict[str, float]:
    return {
        "relu.each_s": row.profile.kept,
        "relu.layer_s": row.relu_layers,
        "square.each_s": row.profile.squares,
        "square.layer_s": sum(1 for site in row.profile.sites if site.squares),
    }


def _of_linear(costs: Costs, row: Row) -> dict[str, float]:
    return {LINEAR: row.profile.macs / costs.linear_macs.value}


def _of_network(row: Row) -> dict[str, float]:
    """Squares beside ReLUs wait with them."""
    return {
        "relu.hops": row.link.waiting_s(row.relu_layers),
        "relu.busier_bytes": row.link.transfer_s(row.profile.kept),
        "square.hops": row.link.waiting_s(row.square_layers),
        "square.busier_bytes": row.link.transfer_s(row.profile.squares),
    }


def _waits(costs: Costs, row: Row) -> bool:
    """Whether the network takes at least half of what was measured, by the price as it was before the fit."""
    if row.loopback:
        return False
    known = costs.named()
    return sum(known[name].value * one for name, one in _of_network(row).items() if name in known) >= row.online_s / 2


def _left_s(costs: Costs, row: Row) -> float:
    """What was measured, less what the work, the linear part, the input and the output take of it."""
    price = additive("", costs, row.profile, row.link)
    return row.online_s - client_cpu_s(costs, row.profile) - (price.linear_s or 0.0) - (price.input_output_s or 0.0)
