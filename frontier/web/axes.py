"""What the scatter can show: objectives and derived quantities of a point, each with its unit and its better end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from frontier.corruptions._apply import FAMILIES, family
from frontier.errors import InputError
from frontier.latency._sums import Sums
from frontier.reports.points import StudyPoint
from frontier.results.corruption_metrics import by_family
from frontier.results.measure import Measure
from frontier.results.objectives import ACCURACIES
from frontier.results.record import Scores

OWN = "own"  # the family of corruptions that are not frontier's
Kind = Literal["accuracy", "count", "price", "measured"]
Cost = Sums  # what is kept of a point's price: seconds, bytes, messages


@dataclass(frozen=True)
class Axis:
    """One quantity. `log` is whether its axis is logarithmic unless somebody says otherwise."""

    name: str
    title: str
    unit: str
    kind: Kind
    minimized: bool
    log: bool

    @property
    def label(self) -> str:
        return f"{self.title} ({self.unit})" if self.unit else self.title


def _accuracy(name: str, title: str) -> Axis:
    return Axis(name, f"{title} accuracy on validation", "%", "accuracy", minimized=False, log=False)


AXES: Final = {
    axis.name: axis
    for axis in (
        *(_accuracy(name, name) for name in ACCURACIES),
        *(_accuracy(f"corrupted/{name}", f"corrupted ({name.replace('_', ' ')})") for name in (*FAMILIES, OWN)),
        Axis("relu_count", "measured ReLU count", "ReLUs", "count", minimized=True, log=True),
        Axis("online_s", "priced online time, a model's", "s", "price", minimized=True, log=True),
        Axis("measured_s", "measured online time", "s", "measured", minimized=True, log=True),
        Axis("online_mb", "priced online traffic, a model's", "MB", "price", minimized=True, log=True),
        Axis("rounds", "priced rounds, a model's", "", "price", minimized=True, log=False),
    )
}


def value(axis: Axis, point: StudyPoint, cost: Cost, measured_s: float | None) -> float | None:
    """In the axis's unit; None where the point has no such figure."""
    if axis.kind == "accuracy":
        found = accuracy(point, axis.name)
        return None if found is None else 100 * found.value
    if axis.kind == "measured":
        return measured_s
    if axis.kind == "count":
        return float(point.point.relu_count)
    if axis.name == "online_mb":
        return None if cost.online_bytes is None else cost.online_bytes / 1e6
    found_s: float | None = getattr(cost, axis.name)
    return None if found_s is None else float(found_s)


def shown(axis: Axis, number: float) -> str:
    """`93.4 %`, `12,345 ReLUs`, `0.0312 s`."""
    if axis.kind == "accuracy":
        return f"{number:.1f} %"
    if axis.kind == "count":
        return f"{number:,.0f} {axis.unit}"
    return f"{number:,.0f} rounds" if axis.name == "rounds" else f"{number:.3g} {axis.unit}"


def accuracy(point: StudyPoint, name: str) -> Measure | None:
    """`clean`, `corrupted`, `adversarial`, or `corrupted/FAMILY` where the record breaks its mean up."""
    whole, _, wanted = name.partition("/")
    if not wanted:
        found: Measure = getattr(point.point.validation, whole)
        return found
    return families(point.point.validation, point.record.spec.measure.corruptions).get(wanted)


def families(scores: Scores, corruptions: Iterable[str]) -> dict[str, Measure]:
    """The mean over each family of corruptions; empty where the scores are not broken up."""
    known = set(corruptions)
    parts = {key: measure for key, measure in scores.parts.items() if key.partition("/")[0] in known}
    try:
        return by_family(parts, _family) if parts else {}
    except InputError:  # not every corruption at every severity: no mean of it would mean anything
        return {}


def _family(corruption: str) -> str:
    try:
        found = family(corruption)
    except InputError:
        return OWN
    return found if found in FAMILIES else OWN
