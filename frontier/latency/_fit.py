"""Fitting a protocol's constants to what was measured, by non-negative least squares of the relative errors.

* What a ReLU, a square, and a layer of either take of a processor: from the client's CPU seconds on loopback, which
  other work on the machine moves least. Both parties do this work at the same time.
* What the server's linear layers take: from what its CPU seconds are more than the client's.
* Hops, and the bytes that transfers are timed by: from the wall clock over a link, less all of the above. Only runs
  count of which the network takes at least half by the price as it was: elsewhere what is left over is other work's.

What the measurements cannot tell apart keeps its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from frontier.latency._constant import Constant
from frontier.latency._formula import Costs, additive, client_cpu_s
from frontier.latency._observed import Row

WORK = ("relu.each_s", "relu.layer_s", "square.each_s", "square.layer_s")
LINEAR = "linear_s"
NETWORK = ("relu.hops", "relu.busier_bytes", "square.hops", "square.busier_bytes")
APART = 0.02  # of a column must be in no other one, or the two cannot be told apart
UNKNOWN_WORK, UNKNOWN_NETWORK = "no loopback run tells it apart", "no run over a link tells it apart"
Columns = Callable[[Row], dict[str, float]]


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
        ("client's CPU seconds, loopback", UNKNOWN_WORK),
    )
    beyond = [(row, _of_linear(costs, row), row.server_cpu_s - row.client_cpu_s, row.server_cpu_s) for row in loopback]
    found |= _fitted(known, [LINEAR], beyond, ("server's CPU seconds beyond the client's, loopback", UNKNOWN_WORK))
    working = costs.replaced({name: one.value for name, one in found.items()}, "being fitted")
    over = [(row, _of_network(row), _left_s(working, row), row.online_s) for row in rows if _waits(costs, row)]
    names = [name for name in NETWORK if name in known]
    return found | _fitted(known, names, over, ("wall clock over links", UNKNOWN_NETWORK))


Equation = tuple[Row, dict[str, float], float, float]  # coefficients, what they must give, what errors are relative to


def _fitted(
    known: Mapping[str, Constant], names: Sequence[str], equations: Sequence[Equation], notes: tuple[str, str]
) -> dict[str, Fitted]:
    """Those that the equations tell apart, in the order of the names; the others as they are known."""
    usual = np.array([known[name].value for name in names])
    weights = np.array([1 / max(scale, 1e-9) for *_, scale in equations])
    matrix = np.array([[columns[name] for name in names] for _, columns, *_ in equations]).reshape(-1, len(names))
    target = np.array([seconds for *_, seconds, _ in equations])
    weighted = matrix * weights[:, None]
    chosen = _apart(weighted)
    kept = [index for index in range(len(names)) if index not in chosen]
    values = usual.copy()
    if chosen:
        left = (target - matrix[:, kept] @ usual[kept]) * weights
        sizes = np.linalg.norm(weighted[:, chosen], axis=0)  # seconds and bytes are many magnitudes apart
        values[chosen] = nnls(weighted[:, chosen] / sizes, left)[0] / sizes
    return {
        name: Fitted(float(values[index]), _runs(equations, name), notes[0])
        if index in chosen
        else Fitted(float(usual[index]), 0, notes[1])
        for index, name in enumerate(names)
    }


def _apart(weighted: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[int]:
    """The columns, each of which has a part that those chosen before it do not span."""
    chosen: list[int] = []
    for index in range(weighted.shape[1]):
        column, before = weighted[:, index], weighted[:, chosen]
        size = np.linalg.norm(column)
        spanned = before @ np.linalg.lstsq(before, column, rcond=None)[0] if chosen else np.zeros_like(column)
        if size > 0 and np.linalg.norm(column - spanned) > APART * size:
            chosen.append(index)
    return chosen


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
