"""Accuracy against ReLU count: the rows and the drawing that the three accuracies' figures share.

Two fronts are marked apart, because with four objectives nearly every point is non-dominated: the front of this view
(accuracy and count alone; filled diamonds on a step line, for nobody trained what lies between two points) and the
points that are non-dominated in all objectives (rings). Validation defines both; test stands beside. Extra points, such
as snapshots of a search, carry a triangle besides, and points that failed a health check a square around all that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar

import plotly.graph_objects as go

from frontier.reports.figures._layout import CountAxis, bars, flagged_mark, frame, listed
from frontier.reports.points import StudyPoint, failed, front_of_view
from frontier.reports.theme import Theme
from frontier.results.measure import Measure


@dataclass(frozen=True, kw_only=True)
class Row:
    """One point of the figure. Accuracies are percentages with their 95 % interval over `..._images` images.

    `kept_percent` is a share of the study's network. The page shows no column that holds nothing but defaults.
    """

    trial: str
    role: str = "asked"
    label: str = ""
    method: str
    fidelity: str
    branch: str = ""  # the one that is served
    routing: str = "served"
    knobs: str
    relu_budget: int
    relu_count: int
    kept_percent: float
    squares: int = 0
    validation_percent: float
    validation_low: float
    validation_high: float
    validation_images: int
    test_percent: float
    test_low: float
    test_high: float
    test_images: int
    official_percent: float | None = None  # on the test split's official files: a measure of its own
    official_low: float | None = None
    official_high: float | None = None
    official_images: int | None = None
    front_of_this_view: bool
    nondominated_in_all: bool
    health: str = ""  # `ok`, `failed NAME, ...`, or nothing: no health check was run


R = TypeVar("R", bound=Row)


def rows(points: Sequence[StudyPoint], accuracy: str) -> tuple[Row, ...]:
    """One row a point, by rising ReLU count; among equal counts the best validation accuracy comes first."""
    measures: list[tuple[Measure, Measure]] = [
        (getattr(p.point.validation, accuracy), getattr(p.point.test, accuracy)) for p in points
    ]
    front = set(front_of_view([p.point.relu_count for p in points], [seen.value for seen, _ in measures]))
    made = [
        Row(
            trial=p.address,
            role=p.point.role,
            label=p.point.label,
            method=p.record.spec.method,
            fidelity=p.fidelity,
            branch=p.point.branch or "",
            routing=p.routing,
            knobs=p.knobs,
            relu_budget=p.point.relu_budget,
            relu_count=p.point.relu_count,
            kept_percent=p.kept_percent,
            squares=p.point.profile.squares,
            validation_percent=100 * seen.value,
            validation_low=100 * seen.low,
            validation_high=100 * seen.high,
            validation_images=seen.n,
            test_percent=100 * unseen.value,
            test_low=100 * unseen.low,
            test_high=100 * unseen.high,
            test_images=unseen.n,
            **(_official(p.point.test.corrupted_official) if accuracy == "corrupted" else {}),
            front_of_this_view=i in front,
            nondominated_in_all=p.nondominated,
            health=p.health,
        )
        for i, (p, (seen, unseen)) in enumerate(zip(points, measures, strict=True))
    ]
    return tuple(sorted(made, key=lambda row: (row.relu_count, -row.validation_percent)))


def draw(made: Sequence[Row], theme: Theme, accuracy: str) -> go.Figure:
    """The figure; every row is drawn once as a mark of its own, and may carry ring, triangle and test mark besides."""
    axis = CountAxis.of([row.relu_count for row in made])
    routed = ", <b>oracle-routed</b>" if any(row.routing == "oracle" for row in made) else ""
    figure = frame(
        theme,
        x=axis.layout(),
        y={"title": {"text": f"{accuracy} accuracy on validation (%){routed}"}, "ticksuffix": "%"},
        height=480,
        top=68,
    )
    axis.part_zero(figure, theme)
    front = [row for row in made if row.front_of_this_view]
    rest = [row for row in made if not row.front_of_this_view]
    ringed = [row for row in made if row.nondominated_in_all]
    extras = [row for row in made if row.role == "extra"]
    flagged = [row for row in made if failed(row.health)]

    def add(some: Sequence[Row], name: str, y: str = "validation_percent", **options: Any) -> None:
        places = {"x": [axis.place(row.relu_count) for row in some], "y": [round(getattr(row, y), 3) for row in some]}
        figure.add_scatter(**places, name=f"{name} ({len(some)})", mode=options.pop("mode", "markers"), **options)

    add(rest, "other points", **rest_marks(rest, theme), **hover(rest, _lines))
    add(
        ringed, "non-dominated in all objectives", hoverinfo="skip",
        marker={"symbol": "circle-open", "size": 12, "color": theme.nondominated, "line": {"width": 1.2}},
    )  # fmt: skip
    if extras:
        add(
            extras, "extra points", hoverinfo="skip",
            marker={"symbol": "triangle-up-open", "size": 11, "color": theme.muted, "line": {"width": 1}},
        )  # fmt: skip
    add(front, "front of this view", **front_marks(front, theme), **hover(front, _lines))
    if flagged:
        add(flagged, "failed a health check", hoverinfo="skip", marker=flagged_mark(theme))
    add(
        front, "the same points on test", y="test_percent",
        marker={"symbol": "x-thin-open", "size": 7, "color": theme.test, "line": {"width": 2}},
        text=[f"{_name(row)}<br>{_test(row)}" for row in front], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    return figure


def rest_marks(some: Sequence[Row], theme: Theme) -> dict[str, Any]:
    """How points are drawn that are on no front of the view, with their validation intervals."""
    marker = {"symbol": "circle", "size": 6, "color": theme.other, "opacity": 0.7}
    return {"marker": marker, "error_y": _bars(some, theme.grid, 1)}


def front_marks(some: Sequence[Row], theme: Theme) -> dict[str, Any]:
    """How the front of the view is drawn: a step line of diamonds, with their validation intervals."""
    return {
        "mode": "lines+markers",
        "line": {"shape": "hv", "color": theme.front, "width": 2},
        "marker": {"symbol": "diamond", "size": 9, "color": theme.front},
        "error_y": _bars(some, theme.interval, 1.5),
    }


def alt(made: Sequence[Row], accuracy: str) -> str:
    """What the figure shows, for somebody who cannot see it."""
    if not made:
        return f"{accuracy} accuracy against ReLU count: no points yet."
    front = [row for row in made if row.front_of_this_view]
    ends = " to ".join(
        f"{row.validation_percent:.1f}% at {row.relu_count:,} ReLUs" for row in dict.fromkeys((front[0], front[-1]))
    )
    ringed = sum(row.nondominated_in_all for row in made)
    extras = sum(row.role == "extra" for row in made)
    flagged = [row.trial for row in made if failed(row.health)]
    flags = f" {len(flagged)} failed a health check: {listed(flagged)}." if flagged else ""
    routed = "Oracle-routed. " if any(row.routing == "oracle" for row in made) else ""
    return (
        f"{routed}Scatter of {accuracy} validation accuracy against ReLU count, {len(made)} points"
        f"{f', {extras} of them extra points' if extras else ''}. The front of this view has "
        f"{len(front)}, from {ends}; {ringed} are non-dominated in all objectives.{flags}"
    )


def _official(found: Measure | None) -> dict[str, Any]:
    if found is None:
        return {}
    values = {"percent": 100 * found.value, "low": 100 * found.low, "high": 100 * found.high, "images": found.n}
    return {f"official_{name}": value for name, value in values.items()}


def _bars(some: Sequence[Row], color: str, thickness: float) -> dict[str, Any]:
    return bars(
        [row.validation_percent for row in some],
        [row.validation_low for row in some],
        [row.validation_high for row in some],
        color=color,
        thickness=thickness,
    )


def _test(row: Row) -> str:
    return f"test {row.test_percent:.1f}% [{row.test_low:.1f}, {row.test_high:.1f}]"


def _name(row: Row) -> str:
    """`trial 7 · snl (authors_code)`, or `trial 7.1 · extra: after epoch 3 · snl (authors_code)`."""
    extra = f" · extra: {escape(row.label)}" if row.label else " · extra" if row.role == "extra" else ""
    return f"<b>trial {row.trial}</b>{extra} · {escape(row.method)} ({escape(row.fidelity)})"


def _branch(row: Row) -> str:
    served = f"branch served: {escape(row.branch)}"
    return f"<b>oracle-routed, no deployed network</b> ({served})" if row.routing == "oracle" else served


def hover(some: Sequence[R], lines: Callable[[R], Sequence[str]]) -> dict[str, Any]:
    """The words on each point: its name, a figure's own lines, and what its health checks say; and, for whom a click
    reaches, its address."""

    def text(row: R) -> str:
        health = [f"health checks: {escape(row.health)}"] if row.health else []
        return "<br>".join([_name(row), *lines(row), *health])

    return {
        "text": [text(row) for row in some],
        "customdata": [row.trial for row in some],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _lines(row: Row) -> Sequence[str]:
    return (
        f"{row.relu_count:,} ReLUs ({row.kept_percent:.3g}%), budget {row.relu_budget:,}{squares_of(row)}",
        *([_branch(row)] if row.branch else []),
        f"validation {row.validation_percent:.1f}% [{row.validation_low:.1f}, {row.validation_high:.1f}]",
        _test(row),
        *(
            [f"official files, test {row.official_percent:.1f}% [{row.official_low:.1f}, {row.official_high:.1f}]"]
            if row.official_percent is not None
            else []
        ),
        escape(row.knobs) or "no knobs",
        "non-dominated in all objectives" if row.nondominated_in_all else "dominated",
    )


def squares_of(row: Row) -> str:
    """Words to add behind the ReLUs."""
    return f", {row.squares:,} squares" if row.squares else ""
