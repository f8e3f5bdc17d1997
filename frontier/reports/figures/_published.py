"""What papers report, laid under a study's points: rows and drawing that the figures by count and by seconds share.

Papers are grey, hollow, in a legend of their own and joined to nothing: other recipes, other networks, checkpoints
mostly chosen by the test set. So everything here is test accuracy; what is chosen of ours is chosen on validation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from frontier.reports.figures._layout import flagged_mark
from frontier.reports.points import StudyPoint, failed, front_of_view
from frontier.reports.published import CLASSES, PublishedPoint
from frontier.reports.theme import Theme

OURS = "this study"
SYMBOLS = {"identity": "circle-open", "quadratic": "pentagon-open", "new_architecture": "star-open"}
WORDS = {
    "identity": "ReLU removed", "quadratic": "a polynomial in its place", "new_architecture": "another architecture",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network of this study (with `trial`), or of a paper (with `source`). Accuracy on test, in percent; the
    interval is of ours. `kind`: what stands where a ReLU was; `secondary`: the paper's number as others quote it."""

    trial: str = ""
    kind: str = OURS
    method: str
    fidelity: str = ""  # of ours
    network: str = ""
    relu_count: int | None = None
    online_s: float | None = None
    under: str = ""  # protocol and link of the seconds
    accuracy_percent: float
    low: float | None = None
    high: float | None = None
    front_of_this_view: bool = False
    nondominated_in_all: bool = False
    secondary: bool = False
    sites: str = ""  # of a count in another convention
    source: str = ""
    note: str = ""  # of a paper's number: what else must be known of it
    health: str = ""  # `ok`, `failed NAME, ...`, or nothing: no health check was run


def rows(
    points: Sequence[tuple[StudyPoint, float]], published: Sequence[PublishedPoint], *, by: str, under: str = ""
) -> tuple[Row, ...]:
    """Ours by rising cost, then the papers'; none where no paper has both a cost and an accuracy. `points` come with
    their cost; `by` is the field of it, in both kinds of rows."""
    theirs = [
        Row(
            kind=one.kind,
            method=one.method,
            network=one.network,
            relu_count=one.relu_count,
            online_s=one.online_s,
            under=one.under,
            accuracy_percent=one.accuracy_percent,
            secondary=one.quoted(online=by == "online_s"),
            sites=one.sites,
            source=one.sources,
            note=one.note,
        )
        for one in published
        if one.accuracy_percent is not None and getattr(one, by) is not None
    ]
    if not theirs:
        return ()
    front = set(front_of_view([cost for _, cost in points], [p.point.validation.clean.value for p, _ in points]))
    ours = []
    for i, (p, cost) in enumerate(points):
        test = p.point.test.clean
        ours.append(
            Row(
                trial=p.address,
                method=p.record.spec.method,
                fidelity=p.fidelity,
                network=(p.point.network or p.record.spec.network).name,
                relu_count=p.point.relu_count,
                online_s=cost if by == "online_s" else None,
                under=under,
                accuracy_percent=100 * test.value,
                low=100 * test.low,
                high=100 * test.high,
                front_of_this_view=i in front,
                nondominated_in_all=p.nondominated,
                health=p.health,
            )
        )
    return (*sorted(ours, key=lambda row: (getattr(row, by), -row.accuracy_percent)), *theirs)


def draw(figure: go.Figure, made: Sequence[Row], theme: Theme, place: Callable[[Row], float]) -> None:
    """Add all rows to a framed figure; `place` is where on the horizontal axis a row lies."""

    def add(some: Sequence[Row], name: str, **options: Any) -> None:
        figure.add_scatter(
            x=[round(place(row), 6) for row in some],
            y=[round(row.accuracy_percent, 3) for row in some],
            name=f"{name} ({len(some)})",
            mode="markers",
            **({"text": [_hover(row) for row in some], "hovertemplate": "%{text}<extra></extra>"} | options),
        )

    for kind in CLASSES:
        for secondary in (False, True):
            some = [row for row in made if row.kind == kind and row.secondary is secondary]
            if some:
                symbol = SYMBOLS[kind] + "-dot" * secondary
                name = f"{WORDS[kind]}, quoted by others" if secondary else WORDS[kind]
                add(some, name, legend="legend2", marker={"symbol": symbol, "size": 9, "color": theme.other})
    ours = [row for row in made if row.kind == OURS]
    add(
        [row for row in ours if not row.front_of_this_view], "other points",
        marker={"symbol": "circle", "size": 6, "color": theme.muted, "opacity": 0.7},
        customdata=[row.trial for row in ours if not row.front_of_this_view],
    )  # fmt: skip
    add(
        [row for row in ours if row.nondominated_in_all], "non-dominated in all objectives", hoverinfo="skip",
        hovertemplate=None, text=None,
        marker={"symbol": "circle-open", "size": 12, "color": theme.nondominated, "line": {"width": 1.2}},
    )  # fmt: skip
    add(
        [row for row in ours if row.front_of_this_view], "front of this view (on validation)",
        marker={"symbol": "diamond", "size": 9, "color": theme.front},
        customdata=[row.trial for row in ours if row.front_of_this_view],
    )  # fmt: skip
    if flagged := [row for row in ours if failed(row.health)]:
        add(
            flagged, "failed a health check", hoverinfo="skip", hovertemplate=None, text=None,
            marker=flagged_mark(theme),
        )  # fmt: skip
    figure.update_layout(
        margin={"b": 130},
        legend2={
            "orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom",
            "title": {"text": "papers: "}, "font": {"color": theme.muted},
        },
    )  # fmt: skip


def alt(made: Sequence[Row], against: str) -> str:
    """What the figure shows, for somebody who cannot see it."""
    if not made:
        return f"Clean accuracy against {against}, beside papers: no published figure of this data set is at hand."
    theirs = [row for row in made if row.kind != OURS]
    quoted = sum(row.secondary for row in theirs)
    kinds = ", ".join(f"{sum(row.kind == kind for row in theirs)} with {WORDS[kind]}" for kind in CLASSES)
    ours = [row for row in made if row.kind == OURS]
    return (
        f"Scatter of clean test accuracy against {against}: {len(ours)} points of this study, "
        f"{sum(row.front_of_this_view for row in ours)} on the front of this view, "
        f"{sum(row.nondominated_in_all for row in ours)} non-dominated in all objectives; and {len(theirs)} that "
        f"papers report ({kinds}), {quoted} of them as others quote them."
    )


def _hover(row: Row) -> str:
    cost = [f"{row.relu_count:,} ReLUs"] if row.relu_count is not None else ["ReLU count unknown"]
    cost += [f"{row.online_s:.4g} s ({escape(row.under)})"] if row.online_s is not None else []
    if row.kind == OURS:
        lines = [
            f"<b>trial {row.trial}</b> · {escape(row.method)} ({escape(row.fidelity)}) · {escape(row.network)}",
            f"test {row.accuracy_percent:.1f}% [{row.low:.1f}, {row.high:.1f}]",
            *cost,
            "non-dominated in all objectives" if row.nondominated_in_all else "dominated",
            *([f"health checks: {escape(row.health)}"] if row.health else []),
        ]
    else:
        lines = [
            f"<b>{escape(row.method)}</b> · {escape(row.network)} · {WORDS[row.kind]}",
            f"{row.accuracy_percent:.2f}%, {', '.join(cost)}{f' ({escape(row.sites)})' if row.sites else ''}",
            escape(row.source),
            *([escape(row.note)] if row.note else []),
        ]
    return "<br>".join(lines)
