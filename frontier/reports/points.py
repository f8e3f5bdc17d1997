"""A study's points: every network that a complete trial produced, and which of them no other one dominates.

Validation alone decides what is on a front; a point's test scores only stand beside it. The scores are those through
the served branch, unless somebody asks for oracle-routed ones (`results.routing`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from frontier.errors import RecordError
from frontier.results.evaluation import Evaluation, checked, flags_of, latest
from frontier.results.measured import Measured
from frontier.results.record import Point, TrialRecord, address
from frontier.results.routing import Routing, oracle, routing_of
from frontier.spaces.constraints import Constraint, violated
from frontier.spaces.goals import FOUR, Goals, whole_network

Records = Iterable[tuple[int, TrialRecord | RecordError]]
NO_FIDELITY = "fidelity unknown"
HEALTHY = "ok"


@dataclass(frozen=True)
class StudyPoint:
    """One network of a study. `point` has the scores by `routing`; `nondominated` (on the front of all objectives,
    among the study's points) goes by them. `values`: one an objective of `goals`; None where one of them is a price
    that the point has not, so that it is on no front. `network_relus`: the ReLUs of the study's network, all kept."""

    trial: int
    index: int
    record: TrialRecord
    point: Point
    goals: Goals
    values: tuple[float, ...] | None
    nondominated: bool
    network_relus: int
    routing: Routing = "served"
    evaluations: tuple[Evaluation, ...] = ()  # the latest of each key, of this very point as it is served
    replicates: tuple[Point, ...] = ()  # the same point of the trials that are this one with another seed
    violated: tuple[str, ...] = ()  # the study's constraints that the point, as it is served, does not keep to
    measurements: tuple[Measured, ...] = ()  # of private inference of this very point, in the order of their making

    @property
    def by_objective(self) -> dict[str, float]:
        """The values by name; empty without them."""
        return dict(zip(self.goals.names, self.values or (), strict=self.values is not None))

    @property
    def first_cost(self) -> float:
        """The value by the first objective that is minimized; infinite without values."""
        costs = (self.by_objective.get(one.name) for one in self.goals.objectives if one.minimized)
        return next((cost for cost in costs if cost is not None), math.inf)

    @property
    def prices(self) -> dict[str, float]:
        """Those of the objectives that are prices."""
        values = self.by_objective
        return {price.name: values[price.name] for price in self.goals.prices if values}

    @cached_property
    def served_values(self) -> tuple[float, ...] | None:
        """`values` of the point as it was recorded."""
        return self.values if self.routing == "served" else self.goals.values(self.served)

    @property
    def flags(self) -> tuple[str, ...]:
        """Names of the health checks that the point failed, each once, sorted."""
        return flags_of(self.evaluations)

    @property
    def checked(self) -> bool:
        """Whether health checks were run on the point at all: without any it is neither healthy nor flagged."""
        return checked(self.evaluations)

    @property
    def health(self) -> str:
        """`failed order, square`, or `ok`, or nothing where no health check was run."""
        return f"failed {', '.join(self.flags)}" if self.flags else HEALTHY if self.checked else ""

    @property
    def served(self) -> Point:
        """The point as it was recorded: the scores through the served branch."""
        return self.record.points[self.index]

    @property
    def fidelity(self) -> str:
        """How close the method's implementation is to its source."""
        return self.record.origin.fidelity or NO_FIDELITY

    @property
    def kept_percent(self) -> float:
        """The ReLU count as a percentage of the study's network, also where the point's own is narrower."""
        return 100 * self.point.relu_count / max(self.network_relus, 1)

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
    fidelity: str
    reason: str


def points_of(
    records: Records,
    *,
    goals: Goals = FOUR,
    relus: int | None = None,
    oracle_routed: bool = False,
    constraints: Sequence[Constraint] = (),
) -> tuple[StudyPoint, ...]:
    """The points of all complete records, by trial and index; the front is that of the figures that are asked for.
    Those of replicates are no points of their own: they stand with the points of the trial that was run again.

    `goals` are the objectives that the front is of. `relus` are those of the study's network; without them the largest
    network among the points stands for it. `constraints` mark points and take none away.
    """
    complete = [(n, record) for n, record in records if isinstance(record, TrialRecord) and record.state == "complete"]
    again: dict[int, list[TrialRecord]] = {}
    for _, record in complete:
        if record.spec.replicates is not None:
            again.setdefault(record.spec.replicates, []).append(record)
    found = [
        (trial, index, record, oracle(point) if oracle_routed else point)
        for trial, record in complete
        if record.spec.replicates is None
        for index, point in enumerate(record.points)
    ]
    values = [goals.values(point) for *_, point in found]
    priced = [(i, row) for i, row in enumerate(values) if row is not None]
    best = {priced[place][0] for place in goals.front([row for _, row in priced])}
    full = relus or max((point.profile.relus for *_, point in found), default=0)
    return tuple(
        StudyPoint(
            *parts,
            goals=goals,
            values=values[i],
            nondominated=i in best,
            network_relus=full,
            routing=routing_of(parts[-1], asked_oracle=oracle_routed),
            evaluations=latest(parts[2].evaluations, parts[1]),
            replicates=tuple(_same(parts[2].points[parts[1]], again.get(parts[0], ()))),
            violated=violated(constraints, parts[2].points[parts[1]]),
            measurements=tuple(one.measured for one in parts[2].measurements if one.point == parts[1]),
        )
        for i, parts in enumerate(found)
    )


def _same(point: Point, replicates: Iterable[TrialRecord]) -> Iterator[Point]:
    """The points of replicates that are this one: of the same role, budget and network. Not every seed passes every
    budget on the way down."""
    for record in replicates:
        for other in record.points:
            if (other.role, other.relu_budget, other.network) == (point.role, point.relu_budget, point.network):
                yield other
                break


def absent_of(records: Records) -> tuple[Absent, ...]:
    """The trials without a point, with the reason, by trial."""
    found = []
    for trial, record in records:
        if isinstance(record, RecordError):
            found.append(Absent(trial, "unreadable", "", "", str(record)))
        elif record.state != "complete":
            fidelity = record.origin.fidelity or NO_FIDELITY
            found.append(Absent(trial, record.state, record.spec.method, fidelity, record.reason or ""))
    return tuple(found)


def unpriced_of(points: Iterable[StudyPoint]) -> dict[str, list[str]]:
    """Addresses of the points that have no price although one is an objective, by the reason."""
    found: dict[str, list[str]] = {}
    for point in points:
        if point.values is None:
            found.setdefault(point.goals.problem(point.point), []).append(point.address)
    return found


def feasible_of(points: Iterable[StudyPoint]) -> dict[str, dict[str, int]]:
    """How many points, and of the front, keep to all constraints: `{"points": {"of": 9, "feasible": 4}, ...}`."""
    found = list(points)
    parts = {"points": found, "front": [point for point in found if point.nondominated]}
    return {
        name: {"of": len(part), "feasible": sum(not point.violated for point in part)} for name, part in parts.items()
    }


def volume_of(points: Sequence[StudyPoint]) -> float:
    """The hypervolume of a study's points in the unit box of its objectives; always of the served figures."""
    if not points:
        return 0.0
    rows = [point.served_values for point in points if point.served_values is not None]
    whole = whole_network([point.served for point in points])
    return points[0].goals.hypervolume(rows, max(points[0].network_relus, 2), whole)


def by_count(points: Iterable[StudyPoint]) -> list[StudyPoint]:
    """By rising ReLU count."""
    return sorted(points, key=lambda p: (p.point.relu_count, p.trial, p.index))


def failed(health: str) -> bool:
    """Whether a text as `StudyPoint.health` gives it speaks of a failed check."""
    return health not in ("", HEALTHY)


def front_of(points: Iterable[StudyPoint]) -> tuple[StudyPoint, ...]:
    """The points on the front of all objectives, by the first of these that is a cost."""
    kept = [point for point in points if point.nondominated]
    return tuple(sorted(kept, key=lambda p: (p.first_cost, p.trial, p.index)))


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
