"""Figure: two masks pixel by pixel and site by site, and where they agree; or one alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import plotly.graph_objects as go

from frontier.errors import FrontierError
from frontier.masks.mask import Mask
from frontier.reports.facts import Facts
from frontier.reports.figures._layout import FLAG, HIDDEN, frame, short
from frontier.reports.figures._masks import Map, channels, channels_of, comparable, maps_of
from frontier.reports.points import StudyPoint, by_count, failed, front_of
from frontier.reports.studied import Side, Studied
from frontier.reports.theme import Theme

ORDER = 41
TITLE = "Mask atlas: which pixels keep their ReLUs"
MISLEADS = (
    "A mean over channels hides that single channels are all or nothing, and a small site is drawn as large as a wide "
    "one: read the counts, and look at single channels."
)
ALL = "all"  # channels: the mean over them
LINE_PX, COLUMNS = 112, 5
MOST_LETTERS = 14  # of a name above a column
GROUND, INK = "#F4FAFF", "#10151c"  # of the menu, in both themes: plotly lays this ground under what is chosen
LEFT, MAP = 0.13, 0.92  # share of the width left of the first column; of a column that its map may take


@dataclass(frozen=True, kw_only=True)
class Row:
    """One site, or one channel of it, of two masks: positions kept by `trial`, by `other`, and by both or one alone. Of
    a single mask there is no `other`.

    `maps`: the same pixel by pixel, in percent of the channels. `problem`: why a mask cannot be shown.
    """

    trial: str
    other: str = ""
    relu_count: int
    other_relu_count: int = 0
    site: str = ""
    channel: str = ALL
    positions: int = 0
    kept: int = 0
    other_kept: int = 0
    kept_by_both: int = 0
    kept_by_this_one_alone: int = 0
    kept_by_the_other_alone: int = 0
    health: str = ""  # of either: `ok`, `failed NAME, ...`, or nothing: no health check was run
    problem: str = ""
    maps: tuple[Map, ...] = field(default=(), compare=False, metadata=HIDDEN)


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a site, then one a site and single channel, of the two points that `studied.pair` and its guest name, or
    of two neighbours in the middle of the front of all objectives; of a single point its mask alone."""
    found: list[tuple[Side, Mask]] = []
    problems: list[Row] = []
    for side in _wanted(studied):
        problem = ""
        try:
            mask = side.load(side.point)
        except (FrontierError, OSError) as error:
            problem = str(error).splitlines()[0]
        else:
            if not found or (comparable(found[0][1], mask) and found[0][0].name != side.name):
                found.append((side, mask))
            elif studied.pair and not comparable(found[0][1], mask):
                problem = f"its sites are not those of trial {found[0][0].name}"
        if problem:
            problems.append(Row(trial=side.name, relu_count=side.point.point.relu_count, problem=problem))
        if len(found) == 2:
            break
    if not found:
        return tuple(problems)
    return (*_rows(*sorted(found, key=lambda one: one[0].point.point.relu_count)), *problems)


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """A line a site; columns: the one mask, the other one, kept by both, by the one alone, by the other alone. All in
    one colour scale from 0 to 100 %. A menu shows single channels in place of the mean over them."""
    shown = [row for row in rows if row.maps]
    sites = list(dict.fromkeys(row.site for row in shown))
    figure = frame(theme, x={}, y={}, height=150 + LINE_PX * max(len(sites), 1), top=108)
    if not shown:
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
        return figure
    first = shown[0]
    views = list(dict.fromkeys(_view(row, shown) for row in shown))
    bar = {"title": {"text": "kept"}, "ticksuffix": "%", "thickness": 12, "outlinewidth": 0, "x": 1.0}
    bar |= {"lenmode": "pixels", "len": 260, "y": 1, "yanchor": "top"}
    figure.update_layout(coloraxis={"colorscale": "Cividis", "cmin": 0, "cmax": 100, "colorbar": bar})
    base = figure.layout.xaxis.to_plotly_json()
    for line, site in enumerate(sites):
        for column in range(len(first.maps)):
            _axes(figure, base, line, column, len(sites))
        figure.add_annotation(
            text=escape(site), xref="paper", yref="paper", x=0, y=1 - (line + 0.46) / len(sites), xanchor="left",
            yanchor="middle", showarrow=False, font={"size": 12},
        )  # fmt: skip
    for row in shown:
        line = sites.index(row.site)
        for column, pixels in enumerate(row.maps):
            _heat(figure, row, column, line, pixels, visible=_view(row, shown) == views[0])
    heads = (
        _head(first.trial, first.relu_count, first.health), _head(first.other, first.other_relu_count, ""),
        "kept<br>by both", f"by {_brief(first.trial)}<br>alone", f"by {_brief(first.other)}<br>alone",
    )  # fmt: skip
    for column, words in enumerate(heads[: len(first.maps)]):
        figure.add_annotation(
            text=f"<b>{words}</b>", xref="paper", yref="paper", x=_column(column + MAP / 2), y=1, yshift=4,
            xanchor="center", yanchor="bottom", showarrow=False, font={"size": 12},
        )  # fmt: skip
    if len(views) > 1:
        traces = [_view(row, shown) for row in shown for _ in row.maps]
        figure.update_layout(updatemenus=[_menu(views, traces, theme)])
    return figure


def alt(rows: Sequence[Row]) -> str:
    """What the maps show, for somebody who cannot see them."""
    problems = "".join(f" Trial {row.trial} cannot be shown: {row.problem}." for row in rows if row.problem)
    whole = [row for row in rows if row.maps and row.channel == ALL]
    if not whole:
        return f"Mask atlas: no mask of the front is at hand.{problems}"
    one, other = whole[0].trial, whole[0].other
    if not other:
        kept = sum(row.kept for row in whole)
        return (
            f"Heat maps of the {kept:,} ReLUs that trial {one} keeps at {len(whole)} sites, pixel by pixel.{problems}"
        )
    both, kept = sum(row.kept_by_both for row in whole), sum(row.kept for row in whole)
    share = f"{100 * both / kept:.0f}% of those of trial {one}" if kept else "none"
    return (
        f"Heat maps of the ReLUs that trials {one} and {other} keep at {len(whole)} sites, pixel by pixel, and of "
        f"their overlap. Trial {one} keeps {kept:,}, trial {other} {sum(row.other_kept for row in whole):,}; both keep "
        f"{both:,} of the same positions, {share}.{problems}"
    )


def caption(facts: Facts) -> str:
    """Which network, and what a colour is."""
    return (
        f"Network: {facts.network}. Each square is a site, height by width; colour is the share of channels that keep "
        "their ReLU at that pixel, from 0 to 100% in every map. Read from the mask files."
    )


def _wanted(studied: Studied) -> list[Side]:
    """The points of the pair and the guest, or the front from its middle outwards."""
    own = [Side(point.address, point, studied.mask) for point in _own(studied)]
    return own if studied.guest is None else [*own[:1], studied.guest]


def _own(studied: Studied) -> list[StudyPoint]:
    if studied.pair:
        by_address = {point.address: point for point in studied.points}
        return [by_address[one] for one in studied.pair if one in by_address]
    front = [point for point in by_count(front_of(studied.points)) if 0 < point.point.relu_count < point.network_relus]
    front = front or list(by_count(front_of(studied.points)))
    middle = (len(front) - 1) / 2
    return [front[i] for i in sorted(range(len(front)), key=lambda i: (abs(i - middle), i))]


def _rows(one: tuple[Side, Mask], other: tuple[Side, Mask] | None = None) -> list[Row]:
    """`other` keeps at least as many."""
    (left, left_mask), (right, right_mask) = one, other or one
    most = channels_of(left_mask.sites)
    asked: list[tuple[str, int | None]] = [(site, None) for site, _ in left_mask.sites]
    asked += [(site, channel) for site, shape in left_mask.sites for channel in channels(shape, most)]
    made = []
    for site, channel in asked:
        maps = maps_of(left_mask, right_mask, site, channel)
        kept, other_kept, both, alone, other_alone = maps.counts
        common = Row(
            trial=left.name,
            relu_count=left.point.point.relu_count,
            site=site,
            channel=ALL if channel is None else str(channel),
            positions=maps.positions,
            kept=kept,
            health=next((h for h in (left.point.health, right.point.health) if failed(h)), left.point.health),
            maps=maps.maps[:1],
        )
        beside: dict[str, Any] = {
            "other": right.name,
            "other_relu_count": right.point.point.relu_count,
            "other_kept": other_kept,
            "kept_by_both": both,
            "kept_by_this_one_alone": alone,
            "kept_by_the_other_alone": other_alone,
            "maps": maps.maps,
        }
        made.append(common if other is None else replace(common, **beside))
    return made


def _view(row: Row, rows: Sequence[Row]) -> str:
    """The name in the menu of what this row belongs to; channels go by their rank, for sites have different numbers."""
    if row.channel == ALL:
        return "mean over channels"
    ranks = [other.channel for other in rows if other.site == row.site and other.channel != ALL]
    return f"single channel {ranks.index(row.channel) + 1}"


def _axes(figure: go.Figure, base: dict[str, Any], line: int, column: int, lines: int) -> None:
    number = line * COLUMNS + column + 1
    name = str(number) if number > 1 else ""
    gap = 8 / LINE_PX / lines
    shared = base | {"visible": False, "showgrid": False}
    figure.update_layout(
        {
            f"xaxis{name}": shared | {"domain": [_column(column), _column(column + MAP)], "anchor": f"y{name}"},
            f"yaxis{name}": shared
            | {"domain": [1 - (line + 1) / lines, 1 - line / lines - gap], "anchor": f"x{name}"}
            | {"autorange": "reversed", "scaleanchor": f"x{name}", "constrain": "domain"},
        }
    )


def _column(number: float) -> float:
    """Where a column begins, as a share of the width."""
    return LEFT + (1 - LEFT) * number / COLUMNS


def _heat(figure: go.Figure, row: Row, column: int, line: int, pixels: Map, *, visible: bool) -> None:
    number = line * COLUMNS + column + 1
    name = str(number) if number > 1 else ""
    counts = (row.kept, row.other_kept, row.kept_by_both, row.kept_by_this_one_alone, row.kept_by_the_other_alone)
    which = f"channel {row.channel}" if row.channel != ALL else "all channels"
    figure.add_heatmap(
        z=pixels,
        xaxis=f"x{name}",
        yaxis=f"y{name}",
        coloraxis="coloraxis",
        visible=visible,
        hovertemplate=f"<b>{escape(row.site)}</b>, {which}<br>{counts[column]:,} of {row.positions:,} positions"
        "<br>row %{y}, column %{x}: %{z}%<extra></extra>",
    )


def _head(trial: str, relu_count: int, health: str) -> str:
    name = _brief(trial) if ":" in trial else f"trial {escape(trial)}"
    return f"{FLAG} " * failed(health) + f"{name}<br>({short(relu_count)})"


def _brief(trial: str) -> str:
    """As much of a name as fits above a column: of a guest's, its study is cut."""
    study, colon, address = trial.rpartition(":")
    room = max(MOST_LETTERS - len(address) - 2, 1)
    return escape(f"{study[:room]}…" if len(study) > room + 1 else study) + f"{colon}{escape(address)}"


def _menu(views: Sequence[str], traces: Sequence[str], theme: Theme) -> dict[str, Any]:
    buttons = [
        {"label": view, "method": "restyle", "args": [{"visible": [view == of for of in traces]}]} for view in views
    ]
    return {
        "type": "dropdown", "buttons": buttons, "direction": "down", "x": 0, "xanchor": "left", "y": 1,
        "yanchor": "bottom", "pad": {"b": 46, "l": 0, "r": 0, "t": 0}, "bgcolor": GROUND,
        "bordercolor": theme.muted, "font": {"color": INK},
    }  # fmt: skip
