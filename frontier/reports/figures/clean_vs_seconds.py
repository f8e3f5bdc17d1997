"""Figure: clean accuracy against the online seconds that a protocol's price gives, with the front by ReLU count beside.

The price is the first `online_s` among the study's objectives, or CrypTen's over the WAN. Points that are on the front
by count and not on that by seconds are where the two axes disagree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from frontier.errors import InputError
from frontier.latency._link import NAMED
from frontier.reports.facts import Facts
from frontier.reports.figures._layout import bars, flagged_mark, frame, listed, log_ticks
from frontier.reports.points import StudyPoint, failed, front_of_view
from frontier.reports.theme import Theme
from frontier.spaces.goals import Goals, PriceOf

ORDER = 15
TITLE = "Clean accuracy against priced online seconds"
MISLEADS = (
    "A model's seconds, of one protocol over one link, not measured: others put the points into another order. "
    "The best of many points is a little lucky, so read the test column."
)
USUAL = PriceOf("online_s", "crypten", NAMED["wan"])


@dataclass(frozen=True, kw_only=True)
class Row:
    """One point that has a price. Accuracies are percentages; `relu_layers` keep at least one ReLU."""

    trial: str
    method: str
    fidelity: str
    price: str
    online_s: float
    relu_count: int
    relu_layers: int
    squares: int = 0
    validation_percent: float
    validation_low: float
    validation_high: float
    validation_images: int
    test_percent: float
    front_of_this_view: bool
    front_by_relu_count: bool
    nondominated_in_all: bool
    health: str = ""


def data(points: Sequence[StudyPoint]) -> tuple[Row, ...]:
    """One row a point, by rising seconds; those without a price are left out."""
    if not points:
        return ()
    price = _price(points[0].goals)
    priced = [(p, seconds) for p in points if (seconds := _seconds(price, p)) is not None]
    gains = [p.point.validation.clean.value for p, _ in priced]
    by_seconds = set(front_of_view([seconds for _, seconds in priced], gains))
    by_count = set(front_of_view([p.point.relu_count for p, _ in priced], gains))
    made = [
        Row(
            trial=p.address,
            method=p.record.spec.method,
            fidelity=p.fidelity,
            price=price.name,
            online_s=seconds,
            relu_count=p.point.relu_count,
            relu_layers=sum(site.kept > 0 for site in p.point.profile.sites),
            squares=p.point.profile.squares,
            validation_percent=100 * p.point.validation.clean.value,
            validation_low=100 * p.point.validation.clean.low,
            validation_high=100 * p.point.validation.clean.high,
            validation_images=p.point.validation.clean.n,
            test_percent=100 * p.point.test.clean.value,
            front_of_this_view=i in by_seconds,
            front_by_relu_count=i in by_count,
            nondominated_in_all=p.nondominated,
            health=p.health,
        )
        for i, (p, seconds) in enumerate(priced)
    ]
    return tuple(sorted(made, key=lambda row: (row.online_s, -row.validation_percent)))


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """A scatter on a logarithmic axis of seconds, the front of this view as a step line."""
    figure = frame(
        theme,
        x=_axis([row.online_s for row in rows]),
        y={"title": {"text": "clean accuracy on validation (%)"}, "ticksuffix": "%"},
        height=480,
        top=68,
    )

    def add(some: Sequence[Row], name: str, **options: Any) -> None:
        figure.add_scatter(
            x=[round(row.online_s, 6) for row in some],
            y=[round(row.validation_percent, 3) for row in some],
            name=f"{name} ({len(some)})",
            mode=options.pop("mode", "markers"),
            **options,
        )

    front = [row for row in rows if row.front_of_this_view]
    rest = [row for row in rows if not row.front_of_this_view]
    add(
        rest, "other points", marker={"symbol": "circle", "size": 6, "color": theme.other, "opacity": 0.7},
        error_y=_bars(rest, theme.grid, 1), **_hover(rest),
    )  # fmt: skip
    add(
        [row for row in rows if row.front_by_relu_count], "front by ReLU count", hoverinfo="skip",
        marker={"symbol": "circle-open", "size": 13, "color": theme.test, "line": {"width": 2}},
    )  # fmt: skip
    add(
        front, "front of this view", mode="lines+markers", line={"shape": "hv", "color": theme.front, "width": 2},
        marker={"symbol": "diamond", "size": 9, "color": theme.front}, error_y=_bars(front, theme.interval, 1.5),
        **_hover(front),
    )  # fmt: skip
    if flagged := [row for row in rows if failed(row.health)]:
        add(flagged, "failed a health check", hoverinfo="skip", marker=flagged_mark(theme))
    return figure


def alt(rows: Sequence[Row]) -> str:
    """What the figure shows, for somebody who cannot see it."""
    if not rows:
        return "Clean accuracy against priced online seconds: no point has a price yet."
    front = [row for row in rows if row.front_of_this_view]
    ends = " to ".join(
        f"{row.validation_percent:.1f}% at {row.online_s:.3g} s" for row in dict.fromkeys((front[0], front[-1]))
    )
    lost = [row.trial for row in rows if row.front_by_relu_count and not row.front_of_this_view]
    apart = f" On the front by ReLU count and not on this one: {listed(lost)}." if lost else ""
    return (
        f"Scatter of clean validation accuracy against {rows[0].price}, {len(rows)} points. The front of this view has "
        f"{len(front)}, from {ends}.{apart}"
    )


def caption(facts: Facts) -> str:
    """Protocol and link, what was measured, and on how many images."""
    price = _price(facts.goals)
    link = f"{price.link.rtt_ms:g} ms and {price.link.mbit_s:g} Mbit/s"
    return f"Seconds: {price.name}, a model's price over a link of {link} (docs/latency.md). {facts.measured('clean')}"


def _axis(seconds: Sequence[float]) -> dict[str, Any]:
    low, high = min(seconds, default=1.0) / 1.3, max(seconds, default=1.0) * 1.3
    ticks = log_ticks(low, high)
    return {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [f"{tick:g} s" for tick in ticks],
        "title": {"text": "priced online seconds of one image (log scale)"},
    }


def _price(goals: Goals) -> PriceOf:
    return next((price for price in goals.prices if price.cost == USUAL.cost), USUAL)


def _seconds(price: PriceOf, found: StudyPoint) -> float | None:
    try:
        return price.of(found.point.profile)
    except InputError:
        return None


def _bars(some: Sequence[Row], color: str, thickness: float) -> dict[str, Any]:
    return bars(
        [row.validation_percent for row in some],
        [row.validation_low for row in some],
        [row.validation_high for row in some],
        color=color,
        thickness=thickness,
    )


def _hover(some: Sequence[Row]) -> dict[str, Any]:
    def text(row: Row) -> str:
        squares = f", {row.squares:,} squares" if row.squares else ""
        return "<br>".join(
            [
                f"<b>trial {row.trial}</b> · {escape(row.method)} ({escape(row.fidelity)})",
                f"{row.online_s:.4g} s ({escape(row.price)})",
                f"{row.relu_count:,} ReLUs in {row.relu_layers} layers{squares}",
                f"validation {row.validation_percent:.1f}% [{row.validation_low:.1f}, {row.validation_high:.1f}]",
                f"test {row.test_percent:.1f}%",
                *([f"health checks: {escape(row.health)}"] if row.health else []),
            ]
        )

    return {"text": [text(row) for row in some], "hovertemplate": "%{text}<extra></extra>"}
