"""Figure: accuracy by severity of the corruption, for points of the front; which of them falls earlier or faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from frontier.corruptions._apply import FAMILIES, family
from frontier.errors import InputError
from frontier.reports.facts import Facts
from frontier.reports.figures._layout import bars, flagged_mark, frame, listed, short
from frontier.reports.points import StudyPoint, by_count, evenly, failed, front_of
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme
from frontier.results.corruption_metrics import by_family, by_severity
from frontier.results.measure import Measure
from frontier.results.routing import CLEAN

ORDER = 25
TITLE = "Accuracy by severity of the corruption"
MISLEADS = (
    "Severities are numbers of a scale and not distances, so the slope of a line means nothing; and a mean over the "
    "corruptions hides the one that collapses."
)
OWN = "own"  # of FAMILIES and of this Row has a column each
MOST_POINTS = 6  # of a longer front, evenly spread over its ranks: more lines could not be told apart
SYMBOLS = ("circle", "diamond", "triangle-up", "pentagon", "triangle-down", "star")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True, kw_only=True)
class Row:
    """Accuracy of one point at one severity on validation, in percent; severity 0 is the clean accuracy.

    The interval is that of one corruption over `images`. What was not measured of the families is None.
    """

    trial: str
    label: str = ""
    method: str
    fidelity: str
    routing: str = "served"
    relu_count: int
    severity: int
    corruptions: int
    accuracy_percent: float
    low: float
    high: float
    images: int
    noise_percent: float | None = None
    blur_percent: float | None = None
    weather_percent: float | None = None
    digital_percent: float | None = None
    held_out_percent: float | None = None
    own_percent: float | None = None  # of plug-ins
    health: str = ""  # `ok`, `failed NAME, ...`, or nothing: no health check was run


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a severity and point of the front of all objectives whose record breaks its mean up; of a long front
    MOST_POINTS, its ends among them. By rising ReLU count, then severity."""
    front = [point for point in by_count(front_of(studied.points)) if _parts(point)]
    return tuple(row for i in evenly(len(front), MOST_POINTS) for row in _rows(front[i]))


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """A line a point, the wider the more ReLUs it keeps; symbol and dash tell the lines apart."""
    figure = frame(
        theme,
        x={
            "title": {"text": "severity (0: clean)"},
            "tickvals": sorted({row.severity for row in rows}),
            "showgrid": False,
        },
        y={"title": {"text": "accuracy on validation (%)"}, "ticksuffix": "%"},
        height=450,
        top=92,
    )
    lines = _lines(rows)
    flagged = []
    for i, (trial, some) in enumerate(lines.items()):
        shift = 0.03 * (i - (len(lines) - 1) / 2)  # so that intervals stand side by side
        x, y = [round(row.severity + shift, 3) for row in some], [round(row.accuracy_percent, 3) for row in some]
        figure.add_scatter(
            x=x,
            y=y,
            name=f"{short(some[0].relu_count)} ReLUs (trial {trial})",
            mode="lines+markers",
            line={"color": theme.front, "width": 1 + 0.5 * i, "dash": DASHES[i]},
            marker={"symbol": SYMBOLS[i], "size": 9, "color": theme.front},
            error_y=bars(
                [row.accuracy_percent for row in some],
                [row.low for row in some],
                [row.high for row in some],
                color=theme.interval,
                thickness=1,
            ),
            text=[_hover(row) for row in some],
            customdata=[trial] * len(x),
            hovertemplate="%{text}<extra></extra>",
        )
        flagged += [(place, *at) for place, *at in zip([trial] * len(x), x, y, strict=True) if failed(some[0].health)]
    if flagged:
        figure.add_scatter(
            x=[x for _, x, _ in flagged],
            y=[y for *_, y in flagged],
            name=f"failed a health check ({len({trial for trial, *_ in flagged})})",
            mode="markers",
            marker=flagged_mark(theme),
            hoverinfo="skip",
        )
    return figure


def alt(rows: Sequence[Row]) -> str:
    """What the lines show, for somebody who cannot see it."""
    lines = _lines(rows)
    if not lines:
        return "Accuracy by severity of the corruption: no point of the front has its corrupted accuracy broken up."
    told = "; ".join(
        f"trial {trial} with {some[0].relu_count:,} ReLUs from {some[0].accuracy_percent:.1f}% clean "
        f"to {some[-1].accuracy_percent:.1f}% at severity {some[-1].severity}"
        for trial, some in lines.items()
    )
    flagged = [trial for trial, some in lines.items() if failed(some[0].health)]
    marked = f" {len(flagged)} failed a health check: {listed(flagged)}." if flagged else ""
    return f"Lines of accuracy against severity for {len(lines)} points of the front: {told}.{marked}"


def caption(facts: Facts) -> str:
    """What was measured, on how many images, and what the images are."""
    return (
        f"{facts.measured('corrupted')} Validation alone, as the search measured it: the clean accuracy at 0 (on "
        f"{facts.images['validation', 'clean']} images), and the mean over corruptions. Corruptions: "
        f"{facts.corruptions}. At most {MOST_POINTS} points of the front of all objectives."
    )


def _parts(point: StudyPoint) -> dict[str, Measure]:
    """`corruption/severity` -> accuracy, of every one that was asked for; nothing if the record lacks any.

    Oracle-routed accuracies are broken up at the branch that they go through.
    """
    oracle = point.routing == "oracle"
    parts = (point.point.branches[CLEAN].validation if oracle else point.point.validation).parts
    asked = point.record.spec.measure
    cells = [f"{name}/{severity}" for severity in sorted(asked.severities) for name in asked.corruptions]
    return {cell: parts[cell] for cell in cells} if parts.keys() >= set(cells) else {}


def _rows(point: StudyPoint) -> list[Row]:
    parts = _parts(point)
    made = [_row(point, 0, point.point.validation.clean, {})]
    for severity, overall in by_severity(parts).items():
        of_severity = {cell: part for cell, part in parts.items() if cell.endswith(f"/{severity}")}
        made.append(_row(point, severity, overall, of_severity))
    return made


def _row(point: StudyPoint, severity: int, found: Measure, parts: dict[str, Measure]) -> Row:
    families = by_family(parts, _family) if parts else {}
    return Row(
        trial=point.address,
        label=point.point.label,
        method=point.record.spec.method,
        fidelity=point.fidelity,
        routing=point.routing,
        relu_count=point.point.relu_count,
        severity=severity,
        corruptions=len(parts),
        accuracy_percent=100 * found.value,
        low=100 * found.low,
        high=100 * found.high,
        images=found.n,
        **{f"{name}_percent": 100 * measure.value for name, measure in families.items()},
        health=point.health,
    )


def _family(corruption: str) -> str:
    """Of a corruption that is not installed here no more is known than that it was somebody's own."""
    try:
        found = family(corruption)
    except InputError:
        return OWN
    return found if found in FAMILIES else OWN


def _lines(rows: Sequence[Row]) -> dict[str, list[Row]]:
    lines: dict[str, list[Row]] = {}
    for row in rows:
        lines.setdefault(row.trial, []).append(row)
    return lines


def _hover(row: Row) -> str:
    families = [(name, getattr(row, f"{name}_percent")) for name in (*FAMILIES, OWN)]
    over = f" over {row.corruptions} corruptions" if row.severity else " (clean)"
    extra = f" ({escape(row.label)})" if row.label else ""
    lines = [
        f"<b>trial {row.trial}</b>{extra} · {escape(row.method)} ({escape(row.fidelity)}), {row.relu_count:,} ReLUs",
        f"severity {row.severity}{over}: {row.accuracy_percent:.1f}% [{row.low:.1f}, {row.high:.1f}]",
        *(f"{name.replace('_', ' ')} {value:.1f}%" for name, value in families if value is not None),
        *(["<b>oracle-routed, no deployed network</b>"] if row.routing == "oracle" else []),
        *([f"health checks: {escape(row.health)}"] if row.health else []),
    ]
    return "<br>".join(lines)
