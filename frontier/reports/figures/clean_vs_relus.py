"""Figure: clean accuracy against measured ReLU count, with the front of this view and that of all objectives."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from frontier.reports.facts import Facts
from frontier.reports.figures import _accuracy
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 10
TITLE = "Clean accuracy against ReLU count"
MISLEADS = (
    "The log scale stretches the low end, and ReLUs are not seconds; "
    "the best of many points is a little lucky, so read the test marks."
)


def data(studied: Studied) -> tuple[_accuracy.Row, ...]:
    """One row a point, by rising ReLU count."""
    return _accuracy.rows(studied.points, "clean")


def draw(rows: Sequence[_accuracy.Row], theme: Theme) -> go.Figure:
    """The scatter with its two fronts, validation intervals and test marks."""
    return _accuracy.draw(rows, theme, "clean")


def alt(rows: Sequence[_accuracy.Row]) -> str:
    """The figure in one sentence or two."""
    return _accuracy.alt(rows, "clean")


def caption(facts: Facts) -> str:
    """What was measured, on how many images."""
    return facts.measured("clean")
