"""Frame: the points of a view with their two values, their place on its front, its limits, its brush and its ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from frontier.latency._beside import measured_s
from frontier.reports.points import StudyPoint, front_of_view
from frontier.web.axes import AXES, Axis, Cost, accuracy, value
from frontier.web.library import Snapshot
from frontier.web.prices import Prices
from frontier.web.view import Box, View


@dataclass(frozen=True)
class Entry:
    """One point of a view. `x` and `y` are in the units of the axes; `at` is where they are drawn: on a logarithmic
    axis what is 0 stands left of all others. `rank` is by priced online time, the fastest is 1."""

    key: str  # STUDY:ADDRESS
    study: str
    point: StudyPoint
    cost: Cost
    measured_s: float | None
    x: float
    y: float
    at: tuple[float, float]
    front: bool
    feasible: bool
    brushed: bool
    rank: int | None
    rank_before: int | None

    @property
    def moved(self) -> bool:
        """Whether another price puts it at another rank; never where one of the two has no price for it."""
        return None not in (self.rank, self.rank_before) and self.rank != self.rank_before


@dataclass(frozen=True)
class Frame:
    """All points that a view shows, in the order of studies and trials. `hidden`: how many have no value on an axis."""

    entries: tuple[Entry, ...]
    hidden: int
    zeros: tuple[float | None, float | None]  # where 0 is drawn on each axis, None where it needs no place of its own

    @cached_property
    def by_key(self) -> dict[str, Entry]:
        """The points by their names."""
        return {entry.key: entry for entry in self.entries}

    @cached_property
    def chosen(self) -> tuple[Entry, ...]:
        """What is brushed; all without a brush."""
        return tuple(entry for entry in self.entries if entry.brushed)


def frame_of(snapshot: Snapshot, view: View, prices: Prices) -> Frame:
    """Pure, but for the prices that are kept for the next time."""
    shown = [
        (name, point)
        for name, study in snapshot.studies.items()
        if not view.studies or name in view.studies
        for point in study.points
        if not view.seeds or point.record.spec.seed in view.seeds
    ]
    points = [point for _, point in shown]
    costs = prices.of(points, view.setting)
    ranks = ranked(costs)
    before = ranked(prices.of(points, view.before)) if view.before is not None else [None] * len(points)
    x_axis, y_axis = AXES[view.x], AXES[view.y]
    engine = prices.engine(view.setting)
    measured = [measured_s(p.measurements, engine, view.setting.link) if p.measurements else None for p in points]
    pairs = [
        (value(x_axis, p, cost, took), value(y_axis, p, cost, took))
        for p, cost, took in zip(points, costs, measured, strict=True)
    ]
    kept = [(i, x, y) for i, (x, y) in enumerate(pairs) if x is not None and y is not None]
    zeros = tuple(_zero([pair[j + 1] for pair in kept]) if log else None for j, log in enumerate(view.logs))
    front = {kept[j][0] for j in _front(x_axis, y_axis, kept)}
    entries = []
    for i, x, y in kept:
        name, point = shown[i]
        at = (_place(x, zeros[0]), _place(y, zeros[1]))
        entries.append(
            Entry(
                f"{name}:{point.address}", name, point, costs[i], measured[i], x, y, at, i in front,
                feasible(view.limits, point, costs[i]), inside(view.brush, at), ranks[i], before[i],
            )
        )  # fmt: skip
    return Frame(tuple(entries), len(pairs) - len(kept), (zeros[0], zeros[1]))


def feasible(limits: Sequence[tuple[str, float]], point: StudyPoint, cost: Cost) -> bool:
    """Whether a point keeps to all limits, and to the constraints of its study; what has no price keeps to none on
    seconds."""
    if point.violated:
        return False
    for name, limit in limits:
        if name == "online_s":
            if cost.online_s is None or cost.online_s > limit:
                return False
        else:
            found = accuracy(point, name)
            if found is None or 100 * found.value < limit:
                return False
    return True


def inside(box: Box | None, at: tuple[float, float]) -> bool:
    """Whether a place is in the box, its edges included; everything is where there is none."""
    return box is None or (box[0] <= at[0] <= box[1] and box[2] <= at[1] <= box[3])


def cheapest(entries: Sequence[Entry]) -> Entry | None:
    """Of the feasible points the one with the least priced seconds, then the fewest ReLUs; None where there is none."""

    def cost(entry: Entry) -> tuple[float, int, str]:
        seconds = math.inf if entry.cost.online_s is None else entry.cost.online_s
        return seconds, entry.point.point.relu_count, entry.key

    return min((entry for entry in entries if entry.feasible), key=cost, default=None)


def ranked(costs: Sequence[Cost]) -> list[int | None]:
    """Ranks by online seconds, equal ones sharing the best of theirs; None without seconds."""
    order = sorted(cost.online_s for cost in costs if cost.online_s is not None)
    first: dict[float, int] = {}
    for rank, seconds in enumerate(order, 1):
        first.setdefault(seconds, rank)
    return [None if cost.online_s is None else first[cost.online_s] for cost in costs]


def _front(x: Axis, y: Axis, kept: Sequence[tuple[int, float, float]]) -> list[int]:
    """Indices into `kept`."""
    costs = [one[1] if x.minimized else -one[1] for one in kept]
    gains = [-one[2] if y.minimized else one[2] for one in kept]
    return front_of_view(costs, gains)


def _zero(values: Sequence[float]) -> float | None:
    """Where 0 is drawn on a logarithmic axis: a third of the least value above it."""
    if all(one > 0 for one in values):
        return None
    return min((one for one in values if one > 0), default=1.0) / 3


def _place(number: float, zero: float | None) -> float:
    return number if number > 0 or zero is None else zero
