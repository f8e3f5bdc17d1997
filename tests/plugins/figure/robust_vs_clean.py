"""Figure: adversarial against clean accuracy, one dot a point of the study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from frontier.reports.facts import Facts
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 900
TITLE = "Adversarial against clean accuracy"
MISLEADS = "Both accuracies fall with the ReLU count, which this figure does not show."


@dataclass(frozen=True)
class Row:
    """One point of a study; accuracies are percentages on validation."""

    trial: str
    clean_percent: float
    adversarial_percent: float


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a point."""
    measured = [(found.address, found.point.validation) for found in studied.points]
    return tuple(Row(at, 100 * seen.clean.value, 100 * seen.adversarial.value) for at, seen in measured)


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """A scatter of dots."""
    figure = go.Figure(
        go.Scatter(
            name="points",
            x=[row.clean_percent for row in rows],
            y=[row.adversarial_percent for row in rows],
            mode="markers",
            marker={"color": theme.front},
        )
    )
    figure.update_xaxes(title="clean accuracy, %")
    figure.update_yaxes(title="adversarial accuracy, %")
    return figure


def alt(rows: Sequence[Row]) -> str:
    """The figure in a sentence."""
    best = max((row.adversarial_percent for row in rows), default=0.0)
    return f"A scatter of {len(rows)} points: adversarial against clean accuracy, at most {best:.1f} % adversarial."


def caption(facts: Facts) -> str:
    """What was measured, on how many images."""
    return facts.measured("adversarial")
