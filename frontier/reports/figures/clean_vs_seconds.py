"""Figure: clean accuracy against the online seconds that a protocol's price gives, with the front by ReLU count beside.

The price is the one that the report asks for, the first `online_s` among the study's objectives, or CrypTen's over the
WAN. Points that are on the front by count and not on that by seconds are where the two axes disagree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from frontier.errors import InputError
from frontier.reports.facts import Facts
from frontier.reports.figures import _accuracy
from frontier.reports.figures._layout import flagged_mark, frame, listed, log_ticks
from frontier.reports.points import StudyPoint, failed, front_of_view
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme
from frontier.spaces.goals import PriceOf

ORDER = 15
TITLE = "Clean accuracy against priced online seconds"
MISLEADS = (
    "A model's seconds, of one protocol over one link, not measured: others put the points into another order. "
    "The best of many points is a little lucky, so read the test column."
)
PRICED = True


@dataclass(frozen=True, kw_only=True)
class Row(_accuracy.Row):
    """One point that has a price; `front_of_this_view` is that by seconds, `relu_layers` keep at least one ReLU."""

    price: str
    online_s: float
    relu_layers: int
    front_by_relu_count: bool


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a point, by rising seconds; those without a price are left out."""
    points, price = studied.points, studied.pricing
    by_count = {row.trial: row for row in _accuracy.rows(points, "clean")}
    priced = [(p, seconds) for p in points if (seconds := _seconds(price, p)) is not None]
    by_seconds = set(
        front_of_view([seconds for _, seconds in priced], [p.point.validation.clean.value for p, _ in priced])
    )
    made = [
        Row(
            **vars(by_count[p.address]) | {"front_of_this_view": i in by_seconds},
            front_by_relu_count=by_count[p.address].front_of_this_view,
            price=price.name,
            online_s=seconds,
            relu_layers=sum(site.kept > 0 for site in p.point.profile.sites),
        )
        for i, (p, seconds) in enumerate(priced)
    ]
    return tuple(sorted(made, key=lambda row: (row.online_s, -row.validation_percent)))


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """A scatter on a logarithmic axis of seconds, the front of this view as a step line."""
    routed = ", <b>oracle-routed</b>" if any(row.routing == "oracle" for row in rows) else ""
    figure = frame(
        theme,
        x=_axis([row.online_s for row in rows]),
        y={"title": {"text": f"clean accuracy on validation (%){routed}"}, "ticksuffix": "%"},
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
    add(rest, "other points", **_accuracy.rest_marks(rest, theme), **_accuracy.hover(rest, _lines))
    add(
        [row for row in rows if row.nondominated_in_all], "non-dominated in all objectives", hoverinfo="skip",
        marker={"symbol": "circle-open", "size": 12, "color": theme.nondominated, "line": {"width": 1.2}},
    )  # fmt: skip
    add(
        [row for row in rows if row.front_by_relu_count], "front by ReLU count", hoverinfo="skip",
        marker={"symbol": "hexagon-open", "size": 16, "color": theme.test, "line": {"width": 2}},
    )  # fmt: skip
    add(front, "front of this view", **_accuracy.front_marks(front, theme), **_accuracy.hover(front, _lines))
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
    ringed = sum(row.nondominated_in_all for row in rows)
    lost = [row.trial for row in rows if row.front_by_relu_count and not row.front_of_this_view]
    apart = f" On the front by ReLU count and not on this one: {listed(lost)}." if lost else ""
    routed = "Oracle-routed. " if any(row.routing == "oracle" for row in rows) else ""
    return (
        f"{routed}Scatter of clean validation accuracy against {rows[0].price}, {len(rows)} points. The front of this "
        f"view has {len(front)}, from {ends}; {ringed} are non-dominated in all objectives.{apart}"
    )


def caption(facts: Facts) -> str:
    """Protocol and link, what was measured, and on how many images."""
    price = facts.pricing
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


def _seconds(price: PriceOf, found: StudyPoint) -> float | None:
    try:
        return price.of(found.point.profile)
    except InputError:
        return None


def _lines(row: Row) -> Sequence[str]:
    return (
        f"{row.online_s:.4g} s ({escape(row.price)})",
        f"{row.relu_count:,} ReLUs in {row.relu_layers} layers{_accuracy.squares_of(row)}",
        f"validation {row.validation_percent:.1f}%, test {row.test_percent:.1f}%",
    )
