"""A study's points: every network that a complete trial produced, and which of them no other one dominates.

Validation alone decides what is on a front; a point's test scores only stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from frontier.errors import RecordError
from frontier.results import pareto
from frontier.results.objectives import values
from frontier.results.record import Point, TrialRecord, address

Records = Iterable[tuple[int, TrialRecord | RecordError]]


@dataclass(frozen=True)
class StudyPoint:
    """One network of a study. `nondominated`: on the front of all four objectives, among the study's points."""

    trial: int
    index: int
    record: TrialRecord
    point: Point
    nondominated: bool

    @property
    def address(self) -> str:
        """`N` for the asked point of trial N, `N.K` for its extra point K."""
        return address(self.trial, self.index)

    @property
    def knobs(self) -> str:
        """`name=value` of every knob of the method, by name; floats with four significant digits."""
        pairs = sorted(self.record.spec.knobs.items())
        return ", ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in pairs
        )


@dataclass(frozen=True)
class Absent:
    """A finished trial that has no point: `state` is failed, pruned or unreadable."""

    trial: int
    state: str
    method: str
    reason: str


def points_of(records: Records) -> tuple[StudyPoint, ...]:
    """The points of all complete records, by trial and index."""
    found = [
        (trial, index, record, point)
        for trial, record in records
        if isinstance(record, TrialRecord) and record.state == "complete"
        for index, point in enumerate(record.points)
    ]
    best = set(pareto.front([values(point) for *_, point in found]))
    return tuple(StudyPoint(*parts, nondominated=i in best) for i, parts in enumerate(found))


def absent_of(records: Records) -> tuple[Absent, ...]:
    """The trials without a point, with the reason, by trial."""
    found = []
    for trial, record in records:
        if isinstance(record, RecordError):
            found.append(Absent(trial, "unreadable", "", str(record)))
        elif record.state != "complete":
            found.append(Absent(trial, record.state, record.spec.method, record.reason or ""))
    return tuple(found)


def front_of(points: Iterable[StudyPoint]) -> tuple[StudyPoint, ...]:
    """The points on the front of all four objectives, by rising ReLU count."""
    kept = [point for point in points if point.nondominated]
    return tuple(sorted(kept, key=lambda p: (p.point.relu_count, p.trial, p.index)))


def evenly(n: int, most: int) -> list[int]:
    """Up to `most` (at least 2) of the indices 0..n-1, evenly spread, the first and the last among them."""
    return list(range(n)) if n <= most else sorted({round(i * (n - 1) / (most - 1)) for i in range(most)})


def front_of_view(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """Indices of the points that no other one dominates on these two axes alone, by rising cost.

    Costs are minimized, gains maximized; of equal points all stay. (n,), (n,) -> at most n.
    """
    order = sorted(range(len(costs)), key=lambda i: (costs[i], -gains[i], i))
    front: list[int] = []
    for i in order:
        if not front or gains[i] > gains[front[-1]] or (costs[i], gains[i]) == (costs[front[-1]], gains[front[-1]]):
            front.append(i)
    return front
