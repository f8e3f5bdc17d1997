"""Figure: where the front keeps its ReLUs, site by site, as a count and as a percentage of the site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
from plotly.colors import sample_colorscale, unlabel_rgb

from frontier.reports.facts import Facts
from frontier.reports.figures._layout import FLAG, frame, listed, short
from frontier.reports.points import by_count, evenly, failed, front_of
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 40
TITLE = "Where the front keeps its ReLUs"
MISLEADS = (
    "A percentage of a small site looks large, so hover and table give the count too; "
    "every site that keeps a single ReLU costs its rounds in private inference."
)
MOST_POINTS = 40  # a longer front is sampled evenly over its ranks, so that columns stay wide enough to see
SCALE = "Cividis"
CELLS_WITH_TEXT = 16  # columns up to which a count fits into its cell


@dataclass(frozen=True)
class Row:
    """One site of one front point. Sites stand in order of execution, points by rising ReLU count.

    `relus` are the positions that this very network has there, which are fewer where it is narrower than the study's.
    """

    trial: str
    relu_count: int
    site: str
    relus: int
    kept: int
    kept_percent: float
    squares: int = 0
    label: str = ""
    health: str = ""  # `ok`, `failed NAME, ...`, or nothing: no health check was run


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a site and point of the front of all objectives; of a long front MOST_POINTS, its ends among them."""
    front = by_count(front_of(studied.points))
    return tuple(
        Row(
            trial=p.address,
            relu_count=p.point.relu_count,
            site=site.path,
            relus=site.relus,
            kept=site.kept,
            kept_percent=100 * site.kept / max(site.relus, 1),
            squares=site.squares,
            label=p.point.label,
            health=p.health,
        )
        for p in (front[i] for i in evenly(len(front), MOST_POINTS))
        for site in p.point.profile.sites
    )


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """A heat map, one column a front point and one line a site; colour is the percentage that is kept."""
    trials = list(dict.fromkeys(row.trial for row in rows))
    sites = _in_order(rows)
    cells = {(row.site, row.trial): row for row in rows}
    names = {row.trial: f"{FLAG} " * failed(row.health) + f"{short(row.relu_count)} ({row.trial})" for row in rows}
    flags = f"; {FLAG} failed a health check" if any(failed(row.health) for row in rows) else ""
    table = [[cells.get((site, trial)) for trial in trials] for site in sites]
    figure = frame(
        theme,
        x={
            "title": {"text": f"front, by rising ReLU count: count (trial){flags}", "standoff": 16},
            "range": [-0.5, len(trials) - 0.5],
            "tickvals": list(range(len(trials))),
            "ticktext": [names[trial] for trial in trials],
            "showgrid": False,
        },
        y={
            "tickvals": list(range(len(sites))),
            "ticktext": [escape(site) for site in sites],
            "autorange": "reversed",
            "showgrid": False,
        },
        height=150 + 34 * max(len(sites), 2),
    )
    figure.add_heatmap(
        z=[[None if cell is None else round(cell.kept_percent, 2) for cell in line] for line in table],
        customdata=[trials] * len(sites),
        text=[["" if cell is None else _hover(cell) for cell in line] for line in table],
        hovertemplate="%{text}<extra></extra>",
        colorscale=SCALE,
        zmin=0,
        zmax=100,
        xgap=2,
        ygap=2,
        colorbar={"title": {"text": "kept"}, "ticksuffix": "%", "thickness": 12, "outlinewidth": 0},
    )
    if len(trials) <= CELLS_WITH_TEXT:
        written = [(x, y, cell) for y, line in enumerate(table) for x, cell in enumerate(line) if cell is not None]
        figure.add_scatter(
            x=[x for x, _, _ in written],
            y=[y for _, y, _ in written],
            text=[short(cell.kept) for _, _, cell in written],
            textfont={"color": [_ink(cell.kept_percent) for _, _, cell in written], "size": 12},
            mode="text",
            hoverinfo="skip",
            showlegend=False,
        )
    return figure


def _ink(percent: float) -> str:
    """Black or white, whichever stands out from the cell's colour: at least 4.5 to 1 from any (WCAG 2, relative
    luminance)."""
    red, green, blue = (float(part) / 255 for part in unlabel_rgb(sample_colorscale(SCALE, percent / 100)[0]))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"


def alt(rows: Sequence[Row]) -> str:
    """What the heat map shows, for somebody who cannot see it."""
    if not rows:
        return "Kept ReLUs by site: no points yet."
    sites = list(dict.fromkeys(row.site for row in rows))
    total = {site: sum(row.kept for row in rows if row.site == site) for site in sites}
    most = max(sites, key=lambda site: total[site])
    share = 100 * total[most] / max(sum(total.values()), 1)
    points = len({row.trial for row in rows})
    flagged = list(dict.fromkeys(row.trial for row in rows if failed(row.health)))
    marked = f" {len(flagged)} of them failed a health check: {listed(flagged)}." if flagged else ""
    return (
        f"Heat map of the ReLUs kept at {len(sites)} sites by the {points} points of the front. "
        f"Site {most} holds the most: {share:.0f}% of all that are kept.{marked}"
    )


def caption(facts: Facts) -> str:
    """Which network, and that nothing here is estimated."""
    return (
        f"Network: {facts.network}. The front of all objectives on validation "
        f"(at most {MOST_POINTS} of its points); ReLUs are counted, not estimated. "
        "A narrower network's percentages are of its own sites; a site that a network lacks is left blank."
    )


def _in_order(rows: Sequence[Row]) -> list[str]:
    """All sites in order of execution: those of the network that has the most first, then what it lacks."""
    by_trial: dict[str, list[str]] = {}
    for row in rows:
        by_trial.setdefault(row.trial, []).append(row.site)
    longest_first = sorted(by_trial.values(), key=len, reverse=True)
    return list(dict.fromkeys(site for sites in longest_first for site in sites))


def _hover(row: Row) -> str:
    squares = f", {row.squares:,} squared" if row.squares else ""
    label = f" ({escape(row.label)})" if row.label else ""
    health = f"<br>health checks: {escape(row.health)}" if row.health else ""
    return (
        f"<b>{escape(row.site)}</b><br>{row.kept:,} of {row.relus:,} kept ({row.kept_percent:.3g}%){squares}"
        f"<br>trial {row.trial}{label}, {row.relu_count:,} ReLUs in all{health}"
    )
