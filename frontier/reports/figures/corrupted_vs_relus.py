"""Figure: corrupted accuracy against measured ReLU count, with the front of this view and that of all objectives."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from frontier.reports.facts import Facts
from frontier.reports.figures import _accuracy
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 20
TITLE = "Corrupted accuracy against ReLU count"
MISLEADS = "A mean over corruptions and severities hides the one that collapses; the log scale stretches the low end."


def data(studied: Studied) -> tuple[_accuracy.Row, ...]:
    """One row a point, by rising ReLU count."""
    return _accuracy.rows(studied.points, "corrupted")


def draw(rows: Sequence[_accuracy.Row], theme: Theme) -> go.Figure:
    """The scatter with its two fronts, validation intervals and test marks."""
    return _accuracy.draw(rows, theme, "corrupted")


def alt(rows: Sequence[_accuracy.Row]) -> str:
    """The figure in one sentence or two."""
    return _accuracy.alt(rows, "corrupted")


def caption(facts: Facts) -> str:
    """What was measured, on how many images."""
    return f"{facts.measured('corrupted')} Corruptions: {facts.corruptions}."
