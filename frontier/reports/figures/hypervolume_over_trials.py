"""Figure: hypervolume of the validation front as the trials came in; how much the search still gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from frontier.reports.facts import Facts
from frontier.reports.figures._layout import flagged_mark, frame, listed
from frontier.reports.points import evenly, volume_of
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme
from frontier.results.objectives import RELU_COUNT
from frontier.spaces.goals import Goals

ORDER = 50
TITLE = "Hypervolume over trials"
MISLEADS = (
    "It depends on the reference point and on the log scale of the count, and it is steep at the start for any "
    "sampler: compare searches over several seeds only."
)
MOST_ROWS = 120  # a longer study is sampled evenly: each value costs one exact hypervolume


@dataclass(frozen=True)
class Row:
    """After this trial: complete trials and points so far, and the share of the unit box that they dominate.

    `failed_a_health_check` names what came in since the row before and failed one: `3.1 (order, square)`.
    """

    trial: int
    complete_trials: int
    points: int
    hypervolume: float
    failed_a_health_check: str = ""


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a complete trial, by number; at most MOST_ROWS, the last one among them. Always of the served figures."""
    ordered = sorted(studied.points, key=lambda p: (p.trial, p.index))
    trials = list(dict.fromkeys(p.trial for p in ordered))
    made, before = [], -1
    for i in evenly(len(trials), MOST_ROWS):
        so_far = [p for p in ordered if p.trial <= trials[i]]
        new = [p for p in ordered if before < p.trial <= trials[i] and p.flags]
        failed = ", ".join(f"{p.address} ({', '.join(p.flags)})" for p in new)
        made.append(Row(trials[i], i + 1, len(so_far), volume_of(so_far), failed))
        before = trials[i]
    return tuple(made)


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """A step line with a mark for each trial, and a square round those with a point that failed a health check."""
    flagged = [row for row in rows if row.failed_a_health_check]
    figure = frame(
        theme,
        x={"title": {"text": "trial"}, "tickformat": "d"},
        y={"title": {"text": "hypervolume, validation"}, "rangemode": "tozero"},
        height=320,
    )
    figure.add_scatter(
        x=[row.trial for row in rows],
        y=[round(row.hypervolume, 6) for row in rows],
        mode="lines+markers",
        line={"shape": "hv", "color": theme.front, "width": 2},
        marker={"symbol": "diamond", "size": 6, "color": theme.front},
        text=[_hover(row) for row in rows],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    if flagged:
        figure.add_scatter(
            x=[row.trial for row in flagged],
            y=[round(row.hypervolume, 6) for row in flagged],
            name=f"a point failed a health check ({len(flagged)})",
            mode="markers",
            marker=flagged_mark(theme),
            hoverinfo="skip",
            showlegend=True,
        )
    return figure


def _hover(row: Row) -> str:
    failed = f"<br>failed a health check: {escape(row.failed_a_health_check)}" if row.failed_a_health_check else ""
    return f"trial {row.trial}: {row.hypervolume:.4f}{failed}"


def alt(rows: Sequence[Row]) -> str:
    """What the line shows, for somebody who cannot see it."""
    if not rows:
        return "Hypervolume over trials: no points yet."
    first, last = rows[0], rows[-1]
    flagged = [str(row.trial) for row in rows if row.failed_a_health_check]
    failed = f" A point failed a health check at {listed(flagged)}." if flagged else ""
    return (
        f"Step line of the hypervolume, from {first.hypervolume:.3f} to {last.hypervolume:.3f} at trial {last.trial}."
        f"{failed}"
    )


def caption(facts: Facts) -> str:
    """The four axes of the box and its reference point."""
    return (
        f"{facts.served}Validation. Box: {sides(facts.goals)}; reference point 0 on each. "
        f"Corrupted images: {facts.corruption_label}. "
        f"Points that failed a health check are counted. Sampler: {facts.sampler}. {facts.seeds}."
    )


def sides(goals: Goals) -> str:
    """The axes of the box in words."""
    accuracies = [one.name for one in goals.objectives if not one.minimized]
    sides = [f"{' and '.join(', '.join(accuracies).rsplit(', ', 1))} accuracy in [0, 1]"]
    if RELU_COUNT in goals.objectives:
        sides.append("1 - log10(max(count, 1)) / log10(all ReLUs)")
    sides += [f"1 - log(x/none) / log(all/none) for {price.name}, x, of no ReLU and of all" for price in goals.prices]
    return "; ".join(sides)
