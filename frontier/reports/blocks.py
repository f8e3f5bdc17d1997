"""The figures of a report as its page holds them: words, data table and JSON, each figure drawn once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from types import ModuleType
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.utils import PlotlyJSONEncoder

from frontier.reports.facts import Facts
from frontier.reports.points import evenly
from frontier.reports.spec import ReportSpec, chosen
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT, Theme

MOST_ROWS = 500  # of a data table, so that the page of a long study stays small; the figure has all of them
LONG = 40  # characters: a cell with more is broken into lines


class Cell(NamedTuple):
    text: str
    long: bool


@dataclass(frozen=True)
class FigureBlock:
    """A figure with rows."""

    name: str
    title: str
    misleads: str
    caption: str
    alt: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    json: str


@dataclass(frozen=True)
class Empty:
    """A figure that has nothing to show, and why."""

    title: str
    why: str


class _Made(NamedTuple):
    name: str
    figure: ModuleType
    title: str
    rows: Sequence[Any]
    facts: Facts


def blocks(studied: Studied, facts: Facts, spec: ReportSpec) -> tuple[list[FigureBlock], list[Empty]]:
    """The figures of the spec that have rows, in its order, and those that have none."""
    made = list(_made(studied, facts, spec))
    shown = [_block(one) for one in made if shows(one.rows)]
    return shown, [Empty(one.title, one.figure.alt(one.rows)) for one in made if not shows(one.rows)]


def drawn(studied: Studied, facts: Facts, spec: ReportSpec, theme: Theme = LIGHT) -> Iterator[tuple[str, go.Figure]]:
    """The figures of the spec that have rows, by name, for files of their own."""
    for one in _made(studied, facts, spec):
        if shows(one.rows):
            yield one.name, one.figure.draw(one.rows, theme)


def shows(rows: Sequence[Any]) -> bool:
    """Whether there is anything to draw: a row with a `problem` is of what cannot be."""
    return any(not getattr(row, "problem", "") for row in rows)


def script_json(text: str) -> str:
    """JSON that may stand inside a script element: no end tag and no comment, which alone mean anything there."""
    return text.replace("</", "<\\/").replace("<!", "\\u003c!")


def _made(studied: Studied, facts: Facts, spec: ReportSpec) -> Iterator[_Made]:
    for key, figure, price in chosen(spec):
        title = figure.TITLE if len(spec.prices) < 2 or price is None else _priced_title(figure, price.name)
        rows = figure.data(replace(studied, price=price))
        yield _Made(key, figure, title, rows, replace(facts, price=price))


def _priced_title(figure: ModuleType, price: str) -> str:
    title: str = figure.TITLE
    return f"{title}: {price.partition('@')[2]}" if getattr(figure, "PRICED", False) else title


def _block(made: _Made) -> FigureBlock:
    rows, columns = made.rows, _columns(made.rows)
    return FigureBlock(
        name=made.name,
        title=made.title,
        misleads=made.figure.MISLEADS,
        caption=made.facts.completed(made.figure.caption(made.facts)),
        alt=made.figure.alt(rows),
        header=tuple(name.replace("_", " ") for name in columns),
        rows=tuple(tuple(_cell(getattr(rows[i], name)) for name in columns) for i in evenly(len(rows), MOST_ROWS)),
        total=len(rows),
        json=script_json(_json(made.figure.draw(rows, LIGHT))),
    )


def _json(figure: go.Figure) -> str:
    """As `to_json`, which would take another encoder where one is installed, with other bytes, and escapes more."""
    return json.dumps(figure.to_dict(), cls=PlotlyJSONEncoder, separators=(",", ":"))


def _columns(rows: Sequence[Any]) -> list[str]:
    """The fields of a figure's rows, without those that have their default in every row or do not fit into a table."""
    return [
        field.name
        for field in fields(rows[0])
        if field.metadata.get("in_table", True) and any(getattr(row, field.name) != field.default for row in rows)
    ]


def _cell(value: Any) -> Cell:
    if value is None:
        return Cell("", False)
    if isinstance(value, bool):
        return Cell("yes" if value else "no", False)
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return Cell(text, len(text) > LONG)
