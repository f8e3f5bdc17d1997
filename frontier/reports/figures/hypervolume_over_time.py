"""Figure: hypervolume of the validation front over the hours of searching; what more hours would still gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from frontier.reports.facts import Facts
from frontier.reports.figures._layout import frame
from frontier.reports.figures.hypervolume_over_trials import MOST_ROWS, sides
from frontier.reports.points import evenly, volume_of
from frontier.reports.studied import Clock, Studied
from frontier.reports.theme import Theme

ORDER = 51
TITLE = "Hypervolume over time"
MISLEADS = (
    "Hours of one machine with its load and its workers: another machine has another curve; and it depends on the "
    "reference point, as the one over trials does."
)


@dataclass(frozen=True)
class Row:
    """When this trial ended, by the `clock` of the study's events or of its records: hours of searching so far, and the
    share of the unit box that all trials dominate which had ended by then."""

    trial: str
    hours: float
    ended_trials: int
    points: int
    hypervolume: float
    clock: Clock


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a complete trial whose end is known, in the order of their ends; at most MOST_ROWS, the last among them.
    Always of the served figures."""
    known = {p.trial for p in studied.points if p.trial in studied.ended_s}
    ended = sorted(known, key=lambda trial: (studied.ended_s[trial], trial))
    made = []
    for i in evenly(len(ended), MOST_ROWS):
        so_far = set(ended[: i + 1])
        points = sorted((p for p in studied.points if p.trial in so_far), key=lambda p: (p.trial, p.index))
        hours = studied.ended_s[ended[i]] / 3600
        made.append(Row(str(ended[i]), hours, i + 1, len(points), volume_of(points), studied.clock))
    return tuple(made)


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """A step line with a mark where a trial ended."""
    longest = max((row.hours for row in rows), default=0.0)
    scale, unit = (1.0, "hours") if longest >= 2 else (60.0, "minutes") if longest >= 2 / 60 else (3600.0, "seconds")
    figure = frame(
        theme,
        x={"title": {"text": f"{unit} of searching"}, "rangemode": "tozero"},
        y={"title": {"text": "hypervolume, validation"}, "rangemode": "tozero"},
        height=320,
    )
    figure.add_scatter(
        x=[round(row.hours * scale, 4) for row in rows],
        y=[round(row.hypervolume, 6) for row in rows],
        mode="lines+markers",
        line={"shape": "hv", "color": theme.front, "width": 2},
        marker={"symbol": "diamond", "size": 6, "color": theme.front},
        text=[f"trial {row.trial} ended at {row.hours * scale:.4g} {unit}: {row.hypervolume:.4f}" for row in rows],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    return figure


def alt(rows: Sequence[Row]) -> str:
    """What the line shows, for somebody who cannot see it."""
    if not rows:
        return "Hypervolume over time: neither events nor records say when a trial ended."
    first, last = rows[0], rows[-1]
    half = next(row for row in rows if row.hypervolume >= last.hypervolume / 2)
    return (
        f"Step line of the hypervolume over time, by the study's {last.clock}: from {first.hypervolume:.3f} to "
        f"{last.hypervolume:.3f} after {last.hours:.3g} hours; half of that was reached after {half.hours:.3g} hours."
    )


def caption(facts: Facts) -> str:
    """The box and its reference point, and what an hour is."""
    return (
        f"{facts.served}Validation. Box: {sides(facts.goals)}; reference point 0 on each. Time in which nobody "
        "searched does not count; where there are no events it is the time in which a trial of a record ran. "
        f"Sampler: {facts.sampler}. {facts.seeds}."
    )
