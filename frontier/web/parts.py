"""Parts: what callbacks put into the page: tables, a point's detail, a linked figure, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from frontier.reports.points import Absent
from frontier.web.detail import Detail
from frontier.web.frame import Entry
from frontier.web.library import Loaded
from frontier.web.linked import Linked
from frontier.web.page import GRAPH, named
from frontier.web.papers import CLAIMS_HEADER, HEADER, WHOLE_HEADER, Papers, rows, said
from frontier.web.rows import cells, header, page_of
from frontier.web.view import View

MOST_ABSENT = 50  # listed of each study


def table(entries: Sequence[Entry], view: View) -> Any:
    """One page of points; the first cell is a button that opens the point."""
    if not entries:
        return html.P("No point is here: none has a value on both axes and one of these seeds, or none is brushed.")
    rows = [(entry.key, *cells(entry, view.x, view.y)) for entry in page_of(entries, view.page)]
    titles = ("point", *header(view.x, view.y))
    words = html.P("The points of the plot, brushed ones alone where there is a brush.", className="quiet")
    return [words, _table(titles, rows, opens="", chosen=view.point)]


def detail(found: Detail) -> list[Any]:
    """All of a point."""
    sections = [
        html.Div([html.H3(section.title), _lines(section.lines)], className="card") for section in found.sections
    ]
    sites = html.Details(
        [
            html.Summary("Kept ReLUs by layer"),
            _table(
                ("layer", "kept", "of", "percent"),
                [(path, f"{kept:,}", f"{of:,}", f"{percent:.3g}%") for path, kept, of, percent in found.sites],
            ),
        ],
        open=True,
    )
    commands = [html.P([f"{label}: ", html.Code(text)]) for label, text in found.commands]
    links = [html.A(kind, href=where, id=f"download-{kind}", download="") for kind, where in found.downloads]
    return [
        html.H2(f"Point {found.key}", id="detail-title"),
        html.Div(
            [_press("beside", "Lay it beside another"), _press("alone", "Lay none beside"), _press("close", "Close")],
            className="row",
        ),
        html.Div(sections, className="cards"),
        sites,
        html.H3("Make it again"),
        *commands,
        html.P(["Download: ", *(part for link in links for part in (link, " "))]),
    ]  # fmt: skip


def figure(name: str, study: str, found: Linked) -> Any:
    """A linked figure with its words and its data table."""
    title = html.H3(f"{found.title}: {study}")
    if not found.shows:
        return html.Figure([title, html.Figcaption(html.P(found.alt))])
    opens = f"{study}:" if found.header[:1] == ("trial",) else None
    more = f", the first {len(found.rows)} of {found.total}" if found.total > len(found.rows) else ""
    return html.Figure(
        [
            title,
            html.Div(
                dcc.Graph(id={"type": "graph", "name": name, "study": study}, figure=found.figure, config=GRAPH),
                role="img",
                **named("aria", label=found.alt),
            ),
            html.Figcaption([html.P(found.alt), html.P(found.caption), html.P(["How it misleads: ", found.misleads])]),
            html.Details(
                [html.Summary(f"Data ({found.total} rows{more})"), _table(found.header, found.rows, opens=opens)]
            ),
        ]
    )


def papers(found: Papers, view: View) -> list[Any]:
    """What is laid over the plot, in words and as a table; and what no plot has a place for."""
    tables = (
        ("What papers report", HEADER, rows(found)),
        ("What they report of whole networks", WHOLE_HEADER, found.whole),
        ("What they claim without the figures behind it", CLAIMS_HEADER, found.claims),
    )
    folded = [
        html.Details([html.Summary(f"{title} ({len(some)} rows)"), _table(head, some)])
        for title, head, some in tables
        if some
    ]
    return [html.P(said(found, view), className="quiet"), *folded]


def left_out(study: Loaded) -> list[Any]:
    """What a study has that is no point, and why."""
    if study.problem:
        return [html.P([html.Strong(study.name), f": {study.problem}"], className="problem")]
    words: list[Any] = []
    if not study.points:
        why = "all its trials came to nothing" if study.absent else "it has no finished trial yet"
        words.append(html.P([html.Strong(study.name), f" has no point: {why}."], className="problem"))
    if study.absent:
        counts = {
            state: sum(one.state == state for one in study.absent) for state in ("unreadable", "failed", "pruned")
        }
        said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        words.append(html.Details([html.Summary(f"{study.name}: {said}"), _absent(study.absent)]))
    return words


def notes(said: Sequence[str]) -> list[Any]:
    return [html.P(note, className="problem") for note in said]


def _absent(absent: Sequence[Absent]) -> Any:
    rows = [(str(one.trial), one.state, one.method, one.reason) for one in absent[:MOST_ABSENT]]
    if len(absent) > MOST_ABSENT:
        rows.append(("", "", "", f"and {len(absent) - MOST_ABSENT} more"))
    return _table(("trial", "state", "method", "why"), rows)


def _lines(lines: Sequence[tuple[str, str]]) -> html.Dl:
    return html.Dl([part for label, text in lines for part in (html.Dt(label), html.Dd(text))])


def _table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, opens: str | None = None, chosen: str = ""
) -> html.Div:
    """One component, whatever its size: page.js makes the table of it. Dash looks at every component of a page whenever
    one of them changes, which thousands of cells would slow down to seconds. `opens`: what with the text of a row's
    first cell names the point that it opens; None where rows are of no point."""
    held = {"titles": titles, "rows": rows, "opens": opens, "chosen": chosen}
    return html.Div(className="wide", tabIndex=0, **named("data", table=json.dumps(held)))


def _press(name: str, text: str) -> html.Button:
    """A button that comes and goes with what it stands in, so that page.js says when it was pressed."""
    return html.Button(text, type="button", **named("data", press=name))
