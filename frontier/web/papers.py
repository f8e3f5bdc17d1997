"""Papers: published results over the scatter: grey, hollow, by what stands where a ReLU was, and joined to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

import plotly.graph_objects as go

from frontier.reports.figures._published import SYMBOLS, WORDS
from frontier.reports.published import CLASSES, PublishedPoint
from frontier.reports.theme import Theme
from frontier.web.axes import AXES
from frontier.web.view import View

ABOVE: Final = 76  # px over the plot: the tool bar, and two lines of a legend below it
REPORTED: Final = {name: name for name in ("relu_count", "online_s", "online_mb")} | {"clean": "accuracy_percent"}
HEADER: Final = ("method", "in a ReLU's place", "network", "ReLUs", "test accuracy (%)", "seconds, as reported",
                 "second-hand", "source")  # fmt: skip


class Placed(NamedTuple):
    """A published result where the axes of a view put it."""

    of: PublishedPoint
    x: float
    y: float


def placed(papers: Sequence[PublishedPoint], view: View) -> tuple[Placed, ...]:
    """Those that report both quantities of a view; none where papers do not report such at all."""
    across, up = REPORTED.get(view.x), REPORTED.get(view.y)
    if across is None or up is None:
        return ()
    pairs = [(one, getattr(one, across), getattr(one, up)) for one in papers]
    return tuple(Placed(one, float(x), float(y)) for one, x, y in pairs if x is not None and y is not None)


def overlay(figure: go.Figure, some: Sequence[Placed], theme: Theme) -> None:
    """Add them with a legend of their own: a symbol for each class, with a dot in it where a number is second-hand."""
    for kind in CLASSES:
        for secondary in (False, True):
            here = [one for one in some if one.of.kind == kind and one.of.secondary is secondary]
            if here:
                name = f"{WORDS[kind]}{', second-hand' if secondary else ''} ({len(here)})"
                figure.add_scatter(
                    x=[one.x for one in here], y=[one.y for one in here], name=name, mode="markers", legend="legend2",
                    marker={"symbol": SYMBOLS[kind] + "-dot" * secondary, "size": 9, "color": theme.other},
                    text=[_hover(one.of) for one in here], hovertemplate="%{text}<extra></extra>",
                    unselected={"marker": {"opacity": 1}},
                )  # fmt: skip
    if some:
        figure.update_layout(
            legend2={
                "orientation": "h", "x": 0, "xanchor": "left", "y": 0.955, "yref": "container", "yanchor": "top",
                "title": {"text": "papers: "}, "font": {"color": theme.muted}, "itemclick": False,
                "itemdoubleclick": False,
            },
        )  # fmt: skip


def said(some: Sequence[Placed], view: View) -> str:
    """One line on what is laid over the plot, or why nothing is."""
    if some:
        quoted = sum(one.of.secondary for one in some)
        return (
            f"{len(some)} results of papers, {quoted} of them second-hand: test accuracy, their own recipes, protocols "
            "and links; never joined to ours."
        )
    return f"Papers report no {AXES[view.y].title} against {AXES[view.x].title} for these data sets."


def rows(some: Sequence[Placed]) -> list[tuple[str, ...]]:
    """Under HEADER, as texts."""
    return [
        (
            one.method, WORDS[one.kind], one.network, "" if one.relu_count is None else f"{one.relu_count:,}",
            "" if one.accuracy_percent is None else f"{one.accuracy_percent:g}",
            "" if one.online_s is None else f"{one.online_s:g} ({one.under})", "yes" if one.secondary else "no",
            one.source,
        )
        for one, _, _ in some
    ]  # fmt: skip


def _hover(one: PublishedPoint) -> str:
    count = "ReLU count unknown" if one.relu_count is None else f"{one.relu_count:,} ReLUs"
    counted = f" ({escape(one.sites)})" if one.sites else ""
    return (
        f"<b>{escape(one.method)}</b> · {escape(one.network)} · {WORDS[one.kind]}"
        f"{' · second-hand' if one.secondary else ''}<br>{count}{counted}<br>{escape(one.source)}"
    )
