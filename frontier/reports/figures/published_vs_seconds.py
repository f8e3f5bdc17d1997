"""Figure: clean test accuracy against online seconds: the study's points as priced, papers' networks as reported."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from frontier.errors import InputError
from frontier.reports.facts import Facts
from frontier.reports.figures import _published
from frontier.reports.figures._layout import frame, log_ticks
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 71
TITLE = "Beside what papers report, by online seconds"
MISLEADS = (
    "Ours are a model's seconds; a paper's are of its own protocol, link and machine, and of another network: the "
    "places of the two say nothing about which is faster."
)
PRICED = True


def data(studied: Studied) -> tuple[_published.Row, ...]:
    """One row a point that has a price, by rising seconds, then one a published network with seconds; none where there
    is no published one."""
    priced = []
    for point in studied.points:
        try:
            priced.append((point, studied.pricing.of(point.point.profile)))
        except InputError:
            continue
    under = f"{studied.pricing.name.partition('@')[2]}, a model's price"
    return _published.rows(priced, studied.published, by="online_s", under=under)


def draw(rows: Sequence[_published.Row], theme: Theme) -> go.Figure:
    """A scatter; nothing is joined."""
    seconds = [row.online_s for row in rows if row.online_s is not None]
    low, high = min(seconds, default=1.0) / 1.3, max(seconds, default=1.0) * 1.3
    ticks = log_ticks(low, high)
    x = {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [f"{tick:g} s" for tick in ticks],
        "title": {"text": "online seconds of one image: ours priced, papers' as reported (log scale)"},
    }
    y = {"title": {"text": "clean accuracy on test (%)"}, "ticksuffix": "%"}
    figure = frame(theme, x=x, y=y, height=540, top=68)
    _published.draw(figure, rows, theme, lambda row: row.online_s or 0.0)
    return figure


def alt(rows: Sequence[_published.Row]) -> str:
    """The figure in a sentence or two."""
    return _published.alt(rows, "online seconds")


def caption(facts: Facts) -> str:
    """Whose seconds, and where the others are from."""
    return (
        f"Ours: {facts.pricing.name}, a model's price (docs/latency.md). {facts.measured('clean')} Papers: "
        "results/published, the source, protocol and link of each in the table; test accuracy."
    )
