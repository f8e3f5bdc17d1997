"""The scatter of a view: two different fronts, groups by symbol and colour, what moved by rank, and the brush."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from frontier.reports.figures._layout import CLEAR, flagged_mark, log_ticks, short
from frontier.reports.figures._layout import frame as empty_frame
from frontier.reports.points import failed
from frontier.reports.theme import CATEGORIES, Theme
from frontier.web.axes import AXES, Axis, shown
from frontier.web.frame import Entry, Frame
from frontier.web.papers import ABOVE, Placed, overlay
from frontier.web.said import in_all, nothing
from frontier.web.view import Box, View

# Points; more are drawn by WebGL, which screen readers cannot look into, and which without a graphics card takes longer
# to brush even at 5,000 points.
MOST_SVG: Final = 6_000
SYMBOLS: Final = (  # one a group, and more than there are colours
    "circle", "square", "triangle-up", "pentagon", "triangle-down", "star", "hexagram", "triangle-left", "cross",
    "bowtie", "triangle-right", "x", "hourglass", "star-square", "octagon", "triangle-ne", "star-triangle-up",
    "diamond-wide", "triangle-sw", "star-diamond", "hexagon", "diamond-tall", "triangle-se", "star-triangle-down",
    "triangle-nw",
)  # fmt: skip
RINGS: Final = 500  # in the legend, before the groups at plotly's 1,000: a long legend is cut at its end
FULL, FAINT = 0.85, 0.3  # opacity of points within and outside the limits
OUTLINE: Final = 1.5  # px, around a point whose rank changed
HEIGHT, BELOW = 600, 132  # px; the latter for the axis and LINES of a legend; with more of them the figure is higher
LINES, LINE_PX = 4, 20
NARROW, LETTER, MARK = 600, 6.6, 40  # px: of a legend in a narrow window, of a letter in it, of its marks
FRONT = "front of this view"
MOVED, CHOSEN, BESIDE, UNFIT = "rank changed", "the selected point", "the point beside it", "outside the limits"

_GROUPS: Final[dict[str, Callable[[Entry], str]]] = {
    "study": lambda entry: entry.study,
    "method": lambda entry: entry.point.record.spec.method,
    "fidelity": lambda entry: entry.point.fidelity,
    "seed": lambda entry: f"seed {entry.point.record.spec.seed}",
    "health": lambda entry: entry.point.health.partition(",")[0] or "not checked",
}


def draw(
    frame: Frame, view: View, theme: Theme, *, webgl: bool = True, papers: Sequence[Placed] = (), boxes: int = 0
) -> go.Figure:
    """Every point stands in one trace that can be clicked, and may carry rings of other traces besides. `boxes`: how
    many were drawn by hand so far; what plotly holds of them gives way to the view's brush."""
    x, y = AXES[view.x], AXES[view.y]
    figure = empty_frame(
        theme,
        x=_axis(x, view.logs[0], [*(e.at[0] for e in frame.entries), *(p.x for p in papers)], frame.zeros[0]),
        y=_axis(y, view.logs[1], [*(e.at[1] for e in frame.entries), *(p.y for p in papers)], frame.zeros[1]),
        height=HEIGHT,
        top=ABOVE if papers else 24,
    )
    kind = go.Scattergl if webgl and len(frame.entries) > MOST_SVG else go.Scatter

    overlay(figure, papers, theme)

    def add(some: Sequence[Entry], name: str, **options: Any) -> None:
        x, y = np.array([e.at for e in some], dtype=float).reshape(-1, 2).T
        mode = options.pop("mode", "markers")
        figure.add_trace(kind(x=x, y=y, name=f"{name} ({len(some)})", mode=mode, **options))

    def ring(some: Sequence[Entry], name: str, marker: dict[str, Any]) -> None:
        if some:
            always = {"unselected": {"marker": {"opacity": 1}}} if name in (CHOSEN, BESIDE) else {}
            add(some, name, marker=marker, hoverinfo="skip", legendrank=RINGS, **always)

    for i, (name, found) in enumerate(groups(frame.entries, view).items()):
        some = sorted(found, key=lambda e: not e.feasible)  # the legend's mark is as opaque as the first
        colour = CATEGORIES[theme][i % len(CATEGORIES[theme])]
        marker = {"symbol": SYMBOLS[i % len(SYMBOLS)], "size": 7, "color": colour, "line": _outline(some, theme)}
        add(some, name, marker=marker | {"opacity": _opacity(some)}, **_words(some, view))
    all_four = [e for e in frame.entries if e.point.nondominated]
    ring(
        all_four,
        in_all(frame).replace(" of", "<br>of"),
        {"symbol": "circle-open", "size": 13, "color": theme.nondominated, "line": {"width": 1.2}},
    )
    if moved := sum(e.moved for e in frame.entries):
        key = {"symbol": "circle", "size": 7, "color": CLEAR, "line": {"width": OUTLINE, "color": theme.ink}}
        figure.add_trace(
            kind(x=[None], y=[None], name=f"{MOVED} ({moved})", mode="markers", marker=key, hoverinfo="skip")
        )
    front = sorted((e for e in frame.entries if e.front), key=lambda e: e.at)
    add(
        front, FRONT, mode="lines+markers", hoverinfo="skip", legendrank=RINGS - 1,
        line={"shape": step_of(x, y), "color": theme.front, "width": 2},
        marker={"symbol": "diamond", "size": 10, "color": theme.front, "line": _outline(front, theme)},
    )  # fmt: skip
    ring([e for e in frame.entries if failed(e.point.health)], "failed a health check", flagged_mark(theme))
    unfit = [e for e in frame.entries if not e.feasible]
    ring(unfit, UNFIT, {"symbol": "x-thin-open", "size": 7, "color": theme.muted, "line": {"width": 1}})
    chosen = [e for e in frame.entries if e.key == view.point]
    ring(chosen, CHOSEN, {"symbol": "cross-thin-open", "size": 26, "color": theme.ink, "line": {"width": 2}})
    beside = [e for e in frame.entries if e.key == view.beside]
    ring(beside, BESIDE, {"symbol": "asterisk-open", "size": 22, "color": theme.ink, "line": {"width": 2}})
    if not frame.entries and not papers:
        figure.update_layout(xaxis_visible=False, yaxis_visible=False)
        figure.add_annotation(text=nothing(view), xref="paper", yref="paper", x=0.5, y=0.5, showarrow=False)
    more = max(lines([trace.name for trace in figure.data if trace.legend is None]) - LINES, 0) * LINE_PX
    figure.update_layout(
        dragmode="select",
        showlegend=True,
        height=HEIGHT + more,
        margin={"b": BELOW + more},
        legend={
            "y": 0, "yref": "container", "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False,
            "maxheight": BELOW + more,
        },
        selections=selections(view.brush, theme),
        newselection={"line": {"color": theme.ink, "width": 1, "dash": "dot"}},
        activeselection={"fillcolor": CLEAR},
        uirevision=f"{view.x} {view.y} {view.logs}",
        selectionrevision=f"{boxes} {view.brush}",
    )  # fmt: skip
    return figure


def lines(names: Sequence[str]) -> int:
    """Of a legend in a narrow window: plotly gives all its columns the width of the longest name."""
    longest = max(len(part) for name in names for part in name.split("<br>"))
    columns = max(int(NARROW / (LETTER * longest + MARK)), 1)
    return -(-len(names) // columns) + any("<br>" in name for name in names)


def groups(entries: Sequence[Entry], view: View) -> dict[str, list[Entry]]:
    """The points by what tells them apart; the study besides where there are several."""
    several = len({entry.study for entry in entries}) > 1
    of = _GROUPS[view.colour]
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        name = of(entry)
        found.setdefault(f"{entry.study}, {name}" if several and view.colour != "study" else name, []).append(entry)
    return dict(sorted(found.items()))


def selections(box: Box | None, theme: Theme) -> list[dict[str, Any]]:
    """The brush as plotly draws it."""
    if box is None:
        return []
    x0, x1, y0, y1 = box
    line = {"color": theme.ink, "width": 1, "dash": "dot"}
    return [{"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1, "opacity": 1, "line": line}]


def step_of(x: Axis, y: Axis) -> str:
    """How the front's line goes from point to point: only over places that a point of it dominates."""
    return "hv" if x.minimized else "vh"


def _opacity(some: Sequence[Entry]) -> Any:
    """One number where all are equal: plotly then styles no point by itself."""
    found = [FULL if entry.feasible else FAINT for entry in some]
    return np.array(found) if FAINT in found else FULL


def _outline(some: Sequence[Entry], theme: Theme) -> dict[str, Any]:
    """Of points whose rank changed: nearly all as a rule, so that marks of their own would draw everything twice."""
    if not any(entry.moved for entry in some):
        return {"width": 0}
    return {"width": np.array([OUTLINE if entry.moved else 0.0 for entry in some]), "color": theme.ink}


def _words(some: Sequence[Entry], view: View) -> dict[str, Any]:
    return {
        "customdata": np.array(
            [entry.key for entry in some], dtype=object
        ),  # plotly takes arrays without a look at each
        "text": np.array([_hover(entry, view) for entry in some], dtype=object),
        "hovertemplate": "%{text}<extra></extra>",
    }


def _hover(entry: Entry, view: View) -> str:
    moved = f"<br>rank by seconds {entry.rank_before} → {entry.rank}" if entry.moved else ""
    return (
        f"<b>{escape(entry.key)}</b> · {escape(entry.point.record.spec.method)}<br>"
        f"{shown(AXES[view.x], entry.x)}, {shown(AXES[view.y], entry.y)}{moved}"
    )


def _axis(axis: Axis, log: bool, values: Sequence[float], zero: float | None) -> dict[str, Any]:
    title = {"text": axis.label + (" · log" if log else "") + ("; 0 stands apart" if zero is not None else "")}
    # to ask whether a label sticks out the browser would lay out all marks once more
    plain = {"title": title, "ticklabeloverflow": "allow"}
    if not log:
        return plain
    low, high = min(values, default=1.0), max(values, default=10.0)
    above = low if zero is None else zero * 3
    ticks = log_ticks(above, max(high, above * 1.01)) or [above]
    marks, texts = list(ticks), [short(tick) for tick in ticks]
    if zero is not None:
        marks, texts = [zero, *marks], ["0", *texts]
    room = 0.04 * max(math.log10(high / low), 0.2)
    return plain | {
        "type": "log",
        "range": [math.log10(low) - room, math.log10(high) + room],
        "tickvals": marks,
        "ticktext": texts,
    }
