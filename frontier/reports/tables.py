"""The page's tables of single points: the front, and the branches of its networks."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from frontier.reports.points import StudyPoint, failed
from frontier.results.measure import Measure
from frontier.results.objectives import ACCURACIES
from frontier.results.record import Splits

NOT_EVALUATED, NOT_CHECKED = "not evaluated", "not checked"  # never, or on corruptions alone


@dataclass(frozen=True)
class FrontLine:
    """A point of the front; texts as they stand in the cells."""

    trial: str
    method: str
    fidelity: str
    count: str
    share: str
    budget: str
    label: str
    extra: bool
    squares: str
    prices: tuple[str, ...]  # one for each price among the objectives
    branch: str
    oracle: bool
    accuracies: tuple[tuple[str, str], ...]  # (validation, test) for each of ACCURACIES
    official: str  # on the test split's official files
    health: str
    flagged: bool
    violates: str  # constraints of the space
    export: str


@dataclass(frozen=True)
class BranchLine:
    """A point of the front through one of its branches."""

    trial: str
    method: str
    fidelity: str
    branch: str
    served: bool
    accuracies: tuple[tuple[str, str], ...]


def shown(front: Sequence[StudyPoint]) -> dict[str, bool]:
    """Which columns the table of the front has besides those that it always has."""
    return {
        "label": any(point.point.role == "extra" for point in front),
        "squares": any(point.point.profile.squares for point in front),
        "branch": any(point.point.branch for point in front),
        "official": any(point.point.test.corrupted_official for point in front),
        "health": any(point.checked for point in front),
    }


def front_line(point: StudyPoint, study: str) -> FrontLine:
    """The point in the table of the front, with the command that exports it."""
    measured = point.point
    folder = f"{study}-{point.address}"
    return FrontLine(
        trial=point.address,
        method=point.record.spec.method,
        fidelity=point.fidelity,
        count=f"{measured.relu_count:,}",
        share=f"{point.kept_percent:.3g}%",
        budget=f"{measured.relu_budget:,}",
        label=measured.label,
        extra=measured.role == "extra",
        squares=f"{measured.profile.squares:,}",
        prices=tuple(amount(name, value) for name, value in point.prices.items()),
        branch=measured.branch or "",
        oracle=point.routing == "oracle",
        accuracies=_accuracies(Splits(validation=measured.validation, test=measured.test)),
        official=percent(measured.test.corrupted_official) if measured.test.corrupted_official else "",
        health=point.health or (NOT_CHECKED if point.evaluations else NOT_EVALUATED),
        flagged=failed(point.health),
        violates=", ".join(point.violated),
        export=f"frontier export {shlex.quote(study)} --trial {point.address} --out {shlex.quote(folder)}",
    )


def branch_lines(point: StudyPoint) -> list[BranchLine]:
    """One line a branch of the point, by name; none of a network without branches."""
    return [
        BranchLine(
            trial=point.address,
            method=point.record.spec.method,
            fidelity=point.fidelity,
            branch=branch,
            served=branch == point.point.branch,
            accuracies=_accuracies(scores),
        )
        for branch, scores in sorted(point.point.branches.items())
    ]


def _accuracies(scores: Splits) -> tuple[tuple[str, str], ...]:
    return tuple(
        (percent(getattr(scores.validation, accuracy)), percent(getattr(scores.test, accuracy)))
        for accuracy in ACCURACIES
    )


def amount(name: str, value: float) -> str:
    """A value of the price of this name, with its unit: `3.93 s`, `1.2 MB`, `153`."""
    cost = name.partition("@")[0]
    if cost.endswith("_s"):
        return f"{value:.3g} s"
    return f"{value / 1e6:.3g} MB" if cost.endswith("_bytes") else f"{value:,.0f}"


def percent(measure: Measure) -> str:
    """`97.1% [95.2, 98.3]`: an accuracy with its 95 % interval."""
    return f"{100 * measure.value:.1f}% [{100 * measure.low:.1f}, {100 * measure.high:.1f}]"
