"""What other seeds make of the points of a front: mean and spread beside the winner, in which chance is included.

Of many noisy points the best are on the front partly because their noise was kind (the winner's curse). Replicates were
not chosen by their outcome, so their mean is the honest figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from frontier.reports.points import StudyPoint
from frontier.results.objectives import ACCURACIES


@dataclass(frozen=True)
class Spread:
    """Of one accuracy on validation: the winner's, and what the other seeds got. `sd` is None of a single one."""

    winner: float
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def sd(self) -> float | None:
        """The sample standard deviation over the other seeds."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def text(self) -> str:
        """`96.4 +- 0.5, winner 97.1`, in percent."""
        sd = "" if self.sd is None else f" ± {100 * self.sd:.1f}"
        return f"{100 * self.mean:.1f}{sd}, winner {100 * self.winner:.1f}"


@dataclass(frozen=True)
class ReplicatedLine:
    """A point of the front in the table of replicates; texts as they stand in the cells."""

    trial: str
    method: str
    relu_count: str
    seeds: int
    accuracies: tuple[str, ...]  # one for each of ACCURACIES


def spreads(point: StudyPoint) -> dict[str, Spread]:
    """By accuracy; empty for a point without replicates."""
    if not point.replicates:
        return {}
    return {
        name: Spread(
            getattr(point.served.validation, name).value,
            tuple(getattr(other.validation, name).value for other in point.replicates),
        )
        for name in ACCURACIES
    }


def replicated_lines(front: Sequence[StudyPoint]) -> list[ReplicatedLine]:
    """One line for each point of the front that has replicates."""
    return [
        ReplicatedLine(
            trial=point.address,
            method=point.record.spec.method,
            relu_count=f"{point.point.relu_count:,}",
            seeds=len(point.replicates),
            accuracies=tuple(spread.text for spread in spreads(point).values()),
        )
        for point in front
        if point.replicates
    ]
