"""Papers: published results over the scatter: grey, hollow, by what stands where a ReLU was, and joined to nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from typing import Final, NamedTuple

import plotly.graph_objects as go

from frontier.reports.figures._published import SYMBOLS, WORDS
from frontier.reports.published import CLASSES, PublishedPoint
from frontier.reports.theme import Theme
from frontier.results.published import Baseline, Claim, Published
from frontier.web.axes import AXES
from frontier.web.view import View

ABOVE: Final = 76  # px over the plot: the tool bar, and two lines of a legend below it
REPORTED: Final = {name: name for name in ("relu_count", "online_s", "online_mb")} | {"clean": "accuracy_percent"}
ONLINE: Final = ("online_s", "online_mb")
HEADER: Final = ("method", "in a ReLU's place", "network", "ReLUs", "test accuracy (%)", "seconds, as reported",
                 "in the plot", "second-hand", "source", "note")  # fmt: skip
WHOLE_HEADER: Final = ("network", "ReLUs", "test accuracy (%)", "under attack or corruption (%)",
                       "seconds, as reported", "second-hand", "source", "note")  # fmt: skip
CLAIMS_HEADER: Final = ("method", "in a ReLU's place", "network", "says", "at", "against", "second-hand",
                        "source")  # fmt: skip


class Placed(NamedTuple):
    """A published result where the axes of a view put it; `quoted`: second-hand in one of the two."""

    of: PublishedPoint
    x: float
    y: float
    quoted: bool


class Papers(NamedTuple):
    """What papers report of the data sets of a view: what its axes have a place for, what they have none for, and what
    is no such network: whole ones, and claims without the figures behind them."""

    placed: tuple[Placed, ...] = ()
    left: tuple[PublishedPoint, ...] = ()
    whole: tuple[tuple[str, ...], ...] = ()
    claims: tuple[tuple[str, ...], ...] = ()


def papers_of(found: Published, points: Sequence[PublishedPoint], data: Collection[str], view: View) -> Papers:
    """`points` are the networks with few ReLUs of these data sets."""
    across, up = REPORTED.get(view.x), REPORTED.get(view.y)
    online = view.x in ONLINE or view.y in ONLINE
    here, left = [], []
    for one in points:
        x, y = (None if name is None else getattr(one, name) for name in (across, up))
        if x is None or y is None:
            left.append(one)
        else:
            here.append(Placed(one, float(x), float(y), one.quoted(online=online)))
    return Papers(
        tuple(here),
        tuple(left),
        tuple(_whole(found, one) for one in found.baselines if one.data in data),
        tuple(_claim(found, one) for one in found.claims if not one.data or set(one.data) & set(data)),
    )


def overlay(figure: go.Figure, some: Sequence[Placed], theme: Theme) -> None:
    """Add them with a legend of their own: a symbol for each class, with a dot in it where a number is second-hand."""
    for kind in CLASSES:
        for secondary in (False, True):
            here = [one for one in some if one.of.kind == kind and one.quoted is secondary]
            if here:
                name = f"{WORDS[kind]}{', second-hand' if secondary else ''} ({len(here)})"
                figure.add_scatter(
                    x=[one.x for one in here], y=[one.y for one in here], name=name, mode="markers", legend="legend2",
                    marker={"symbol": SYMBOLS[kind] + "-dot" * secondary, "size": 9, "color": theme.other},
                    text=[_hover(one) for one in here], hovertemplate="%{text}<extra></extra>",
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


def said(papers: Papers, view: View) -> str:
    """One line on what is laid over the plot, or why nothing is."""
    here, left = papers.placed, len(papers.left)
    if not here:
        return f"Papers report no '{AXES[view.y].title}' against '{AXES[view.x].title}' for these data sets."
    more = f"; {left} more do not say both, and are in the table alone" if left else ""
    return (
        f"{len(here)} results of papers, {sum(one.quoted for one in here)} of them second-hand: test accuracy, their "
        f"own recipes, protocols and links; never joined to ours{more}."
    )


def rows(papers: Papers) -> list[tuple[str, ...]]:
    """Under HEADER, as texts; those in the plot first."""
    drawn = [_row(one.of, "yes") for one in papers.placed]
    return [*drawn, *(_row(one, "no") for one in papers.left)]


def _row(one: PublishedPoint, drawn: str) -> tuple[str, ...]:
    quoted = "yes" if one.secondary else "its seconds" if one.online_secondary else "no"
    count = "" if one.relu_count is None else f"{one.relu_count:,}{f' ({one.sites})' if one.sites else ''}"
    return (
        one.method, WORDS[one.kind], one.network, count,
        "" if one.accuracy_percent is None else f"{one.accuracy_percent:g}",
        "" if one.online_s is None else f"{one.online_s:g} ({one.under})", drawn, quoted, one.sources, one.note,
    )  # fmt: skip


def _whole(found: Published, one: Baseline) -> tuple[str, ...]:
    """Under WHOLE_HEADER."""
    robust = "; ".join(f"{part.accuracy:g} {part.kind}: {part.under}" for part in one.robust)
    online = one.online
    seconds = "" if online is None or online.seconds is None else f"{online.seconds:g} ({online.under})"
    return (
        one.network or "unknown", "" if one.relus is None else f"{one.relus:,}",
        "" if one.accuracy is None else f"{one.accuracy:g}", robust, seconds,
        "yes" if found.sources[one.source].secondary else "no", found.cite(one.source), one.note or "",
    )  # fmt: skip


def _claim(found: Published, one: Claim) -> tuple[str, ...]:
    """Under CLAIMS_HEADER."""
    return (
        one.method, "unknown" if one.kind is None else WORDS[one.kind], one.network or "unknown",
        f"{'up to ' if one.up_to else ''}{one.value:g} {one.quantity.replace('_', ' ')}",
        one.at or "", one.against or "", "yes" if found.sources[one.source].secondary else "no", found.cite(one.source),
    )  # fmt: skip


def _hover(placed: Placed) -> str:
    one = placed.of
    count = "ReLU count unknown" if one.relu_count is None else f"{one.relu_count:,} ReLUs"
    counted = f" ({escape(one.sites)})" if one.sites else ""
    note = f"<br>{escape(one.note)}" if one.note else ""
    return (
        f"<b>{escape(one.method)}</b> · {escape(one.network)} · {WORDS[one.kind]}"
        f"{' · second-hand' if placed.quoted else ''}<br>{count}{counted}<br>{escape(one.sources)}{note}"
    )
