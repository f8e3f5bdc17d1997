"""Figure: clean test accuracy against ReLU count, the study's points above what papers report of the same data set."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from frontier.reports.facts import Facts
from frontier.reports.figures import _published
from frontier.reports.figures._layout import CountAxis, frame
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 70
TITLE = "Beside what papers report, by ReLU count"
MISLEADS = (
    "Papers have other recipes, other networks and mostly a checkpoint chosen by the test set, and a polynomial in a "
    "ReLU's place costs time that the count does not show."
)


def data(studied: Studied) -> tuple[_published.Row, ...]:
    """One row a point, by rising ReLU count, then one a published network; none where there is no published one."""
    counted = [(point, float(point.point.relu_count)) for point in studied.points]
    return _published.rows(counted, studied.published, by="relu_count")


def draw(rows: Sequence[_published.Row], theme: Theme) -> go.Figure:
    """A scatter; nothing is joined."""
    axis = CountAxis.of([row.relu_count or 0 for row in rows])
    y = {"title": {"text": "clean accuracy on test (%)"}, "ticksuffix": "%"}
    figure = frame(theme, x=axis.layout(), y=y, height=540, top=68)
    axis.part_zero(figure, theme)
    _published.draw(figure, rows, theme, lambda row: axis.place(row.relu_count or 0))
    return figure


def alt(rows: Sequence[_published.Row]) -> str:
    """The figure in a sentence or two."""
    return _published.alt(rows, "ReLU count")


def caption(facts: Facts) -> str:
    """What is ours, and where the others are from."""
    return f"{facts.measured('clean')} Papers: results/published, the source of each in the table; test accuracy."
