"""Linked: a report's figure over the points that are brushed, on the axes that it has over all of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any

import plotly.graph_objects as go

from frontier.reports.blocks import shows
from frontier.reports.facts import Facts
from frontier.reports.theme import Theme

MOST_ROWS = 1_200  # of a data table on the page: all of any figure but those of a row a point
NUMERIC = ("scatter", "scattergl")
MARGIN = 0.04  # of the range, beyond the outermost marks


@dataclass(frozen=True)
class Linked:
    """A figure with its words and its data table; `total` rows stand behind the first of the table. Where it `shows`
    nothing, `alt` says why."""

    title: str
    alt: str
    caption: str
    misleads: str
    figure: go.Figure
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    shows: bool


def linked(module: ModuleType, some: Sequence[Any], whole: Sequence[Any], facts: Facts, theme: Theme) -> Linked:
    """`whole` are the figure's data of all points, `some` those of the brushed ones: the same ones without a brush."""
    if getattr(module, "SCALED", False):
        figure = module.draw(some, theme, whole)
    else:
        figure = module.draw(some, theme)
        if some is not whole and some:
            hold(figure, module.draw(whole, theme))
    columns = _columns(some)
    return Linked(
        title=module.TITLE,
        alt=module.alt(some),
        caption=facts.completed(module.caption(facts)),
        misleads=module.MISLEADS,
        figure=figure,
        header=tuple(name.replace("_", " ") for name in columns),
        rows=tuple(tuple(_cell(getattr(row, name)) for name in columns) for row in some[:MOST_ROWS]),
        total=len(some),
        shows=shows(some),
    )


def brushed(rows: Sequence[Any], chosen: Collection[str]) -> Sequence[Any]:
    """The rows of these points; all where rows are not of points. A row of a whole trial is of all its points."""
    trials = {address.partition(".")[0] for address in chosen}
    if not any(hasattr(row, "trial") for row in rows):
        return rows
    return tuple(
        row for row in rows if (row.trial in chosen if isinstance(row.trial, str) else str(row.trial) in trials)
    )


def hold(figure: go.Figure, whole: go.Figure) -> None:
    """Give a figure of some points the axes of the one of all, so that nothing jumps under a brush. Only where axes are
    numbers: the columns of a heat map are its points."""
    if any(trace.type not in NUMERIC for trace in (*figure.data, *whole.data)):
        return
    for letter in ("x", "y"):
        axis = whole.layout[f"{letter}axis"]
        if axis.tickvals is not None and axis.type != "log":
            continue  # places that have names, one for each of what is shown
        if axis.range is None and axis.type != "log":
            ends = _ends(whole.data, letter)
            if ends is None:
                return
            axis.range = ends
        elif axis.range is None:
            return
        figure.layout[f"{letter}axis"] = axis


def _ends(traces: Iterable[Any], letter: str) -> tuple[float, float] | None:
    values = [value for trace in traces for value in (trace[letter] if trace[letter] is not None else ())]
    if any(isinstance(value, str) for value in values):
        return None
    numbers = [float(value) for value in values if value is not None and math.isfinite(value)]
    if not numbers:
        return None
    low, high = min(numbers), max(numbers)
    room = MARGIN * (high - low) or 1.0
    return low - room, high + room


def _columns(rows: Sequence[Any]) -> list[str]:
    """The fields that say something, and that a cell can hold."""
    if not rows:
        return []
    some = rows[:MOST_ROWS]
    return [
        field.name
        for field in fields(rows[0])
        if field.metadata.get("in_table", True)
        and any((value := getattr(row, field.name)) != field.default and _fits(value) for row in some)
    ]


def _fits(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _cell(value: Any) -> str:
    if value is None or not _fits(value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
