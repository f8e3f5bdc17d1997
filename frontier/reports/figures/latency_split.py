"""Figure: what an inference of the front's points is priced at: ReLUs, linear layers, input and output; offline; MB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import NamedTuple

import plotly.graph_objects as go

from frontier import registry
from frontier.errors import InputError
from frontier.latency._beside import measured_s
from frontier.reports.facts import Facts
from frontier.reports.figures._layout import FLAG, frame, listed, short
from frontier.reports.points import StudyPoint, by_count, evenly, failed, front_of
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 42
TITLE = "What an inference costs, part by part"
MISLEADS = (
    "A model's price of one image at a time: the fixed cost of linear layers hides what fewer ReLUs gain, and a part "
    "that no source tells is missing, not free."
)
PRICED = True
MOST_POINTS = 16  # of a longer front, evenly spread over its ranks, so that every bar has a name
GAP = 0.12  # between panels, in the unit of their widths


class _Part(NamedTuple):
    """A field of the rows as a bar: its name, its colour's role in a theme, its pattern."""

    field: str
    name: str
    role: str
    pattern: str


class _Panel(NamedTuple):
    title: str
    unit: str
    width: float
    parts: tuple[_Part, ...]


PANELS = (
    _Panel(
        "online",
        "s",
        1.0,
        (
            _Part("relus_s", "ReLUs, online", "front", ""),
            _Part("linear_s", "linear layers, online", "nondominated", "/"),
            _Part("input_output_s", "input and output, online", "test", "x"),
        ),
    ),
    _Panel("offline", "s", 0.5, (_Part("offline_s", "offline", "other", ""),)),
    _Panel("moved online", "MB", 0.5, (_Part("online_mb", "moved for ReLUs, online", "muted", "-"),)),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One point. Seconds of one image; what no source tells is None. `measured_s` is the median of what was really
    measured with the protocol's engine over this link, and `problem` says why there is no price."""

    trial: str
    method: str
    fidelity: str
    relu_count: int
    price: str
    online_s: float | None = None
    relus_s: float | None = None  # with squares
    linear_s: float | None = None
    input_output_s: float | None = None
    offline_s: float | None = None
    online_mb: float | None = None  # of ReLUs and squares, both directions
    rounds: int | None = None
    measured_s: float | None = None
    health: str = ""  # `ok`, `failed NAME, ...`, or nothing: no health check was run
    problem: str = ""


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a point of the front of all objectives, by rising ReLU count; of a long front MOST_POINTS."""
    front = by_count(front_of(studied.points))
    return tuple(_row(front[i], studied) for i in evenly(len(front), MOST_POINTS))


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """Panels of bars over the same points: online seconds part upon part, offline seconds, megabytes online. A panel of
    which no source tells anything is left out."""
    priced = [row for row in rows if not row.problem]
    names = [f"{FLAG} " * failed(row.health) + f"{short(row.relu_count)} ({row.trial})" for row in priced]
    figure = frame(theme, x={}, y={}, height=180 + 26 * max(len(priced), 4), top=92)
    axis = figure.layout.xaxis.to_plotly_json()
    panels = [
        panel for panel in PANELS if any(getattr(row, part.field) is not None for row in priced for part in panel.parts)
    ]
    left, room = 0.0, sum(panel.width for panel in panels) + GAP * (len(panels) - 1)
    for i, panel in enumerate(panels):
        place = f"{i + 1}" if i else ""
        domain = [left / room, (left + panel.width) / room]
        left += panel.width + GAP
        title = {"text": f"{panel.title} ({panel.unit})"}
        figure.update_layout(
            {f"xaxis{place}": axis | {"domain": domain, "title": title, "rangemode": "tozero", "nticks": 6}}
        )
        for part in panel.parts:
            values = [getattr(row, part.field) for row in priced]
            if any(value is not None for value in values):
                pattern = {"shape": part.pattern, "fillmode": "overlay", "fgcolor": theme.paper, "size": 6}
                figure.add_bar(
                    x=[None if value is None else round(value, 6) for value in values],
                    y=names,
                    name=part.name,
                    orientation="h",
                    xaxis=f"x{place}",
                    marker={"color": getattr(theme, part.role), "pattern": pattern},
                    text=[_hover(row) for row in priced],
                    customdata=[row.trial for row in priced],
                    textposition="none",
                    hovertemplate="%{text}<extra></extra>",
                )
    figure.update_layout(barmode="stack", bargap=0.25, legend={"traceorder": "normal"})
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=names, autorange="reversed", showgrid=False,
        title={"text": "ReLUs (trial)"},
    )  # fmt: skip
    if taken := [(row.measured_s, name) for row, name in zip(priced, names, strict=True) if row.measured_s is not None]:
        figure.add_scatter(
            x=[seconds for seconds, _ in taken],
            y=[name for _, name in taken],
            name=f"measured ({len(taken)})",
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 16, "color": theme.flag, "line": {"width": 3}},
            hovertemplate="measured: %{x:.4g} s<extra></extra>",
        )
    return figure


def alt(rows: Sequence[Row]) -> str:
    """What the bars show, for somebody who cannot see them."""
    priced = [row for row in rows if row.online_s is not None]
    lost = [row.trial for row in rows if row.problem]
    without = f" No price: {listed(lost)} ({next(row.problem for row in rows if row.problem)})." if lost else ""
    if not priced:
        return f"What an inference costs, part by part: no point of the front has a price.{without}"
    ends = " to ".join(
        f"{row.online_s:.3g} s at {row.relu_count:,} ReLUs" for row in dict.fromkeys((priced[0], priced[-1]))
    )
    return f"Bars of the parts of {priced[0].price} for {len(priced)} points of the front, online {ends}.{without}"


def caption(facts: Facts) -> str:
    """Protocol, link and what the parts are."""
    price, protocol = facts.pricing, registry.load("protocol", facts.pricing.protocol)
    return (
        f"Prices by {price.protocol} over a link of {price.link.rtt_ms:g} ms and {price.link.mbit_s:g} Mbit/s, "
        f"of one image (docs/latency.md). Online: {protocol.ONLINE} Offline: {protocol.OFFLINE} Network: "
        f"{facts.network}. At most {MOST_POINTS} points of the front of all objectives."
    )


def _row(found: StudyPoint, studied: Studied) -> Row:
    price = studied.pricing
    protocol = registry.load("protocol", price.protocol)
    row = Row(
        trial=found.address,
        method=found.record.spec.method,
        fidelity=found.fidelity,
        relu_count=found.point.relu_count,
        price=price.name.partition("@")[2],
        health=found.health,
    )
    try:
        whole = studied.priced(found)
    except InputError as error:
        return replace(row, problem=error.what)
    layers = [layer.online_s for layer in whole.layers]
    told = [seconds for seconds in layers if seconds is not None]
    return replace(
        row,
        online_s=whole.online_s,
        relus_s=sum(told) if len(told) == len(layers) else None,
        linear_s=whole.linear_s,
        input_output_s=whole.input_output_s,
        offline_s=whole.offline_s,
        online_mb=None if whole.online_bytes is None else whole.online_bytes / 1e6,
        rounds=whole.rounds,
        measured_s=measured_s(found.measurements, getattr(protocol, "ENGINE", None), price.link),
    )


def _hover(row: Row) -> str:
    def told(value: float | None, unit: str) -> str:
        return "no source says" if value is None else f"{value:.4g} {unit}"

    parts = (("ReLUs", row.relus_s), ("linear", row.linear_s), ("input and output", row.input_output_s))
    lines = [
        f"<b>trial {row.trial}</b> · {escape(row.method)} ({escape(row.fidelity)})",
        f"{row.relu_count:,} ReLUs, {escape(row.price)}",
        f"online {told(row.online_s, 's')}: " + ", ".join(f"{name} {told(value, 's')}" for name, value in parts),
        f"offline {told(row.offline_s, 's')}; {told(row.online_mb, 'MB')} in {row.rounds or '?'} rounds",
        *([f"measured {row.measured_s:.4g} s"] if row.measured_s is not None else []),
    ]
    return "<br>".join(lines)
