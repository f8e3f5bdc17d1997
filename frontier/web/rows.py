"""Rows: the points of a frame as a table, on the page and as CSV; the same columns in both."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from frontier.results.objectives import ACCURACIES
from frontier.web.axes import AXES, Cost, shown
from frontier.web.frame import Entry
from frontier.web.view import Setting, link_text

PER_PAGE: Final = 25
YES = {True: "yes", False: ""}


def pages(entries: Sequence[Entry]) -> int:
    """At least one."""
    return max(-(-len(entries) // PER_PAGE), 1)


def page_of(entries: Sequence[Entry], page: int) -> Sequence[Entry]:
    """The entries of one page; of the last one where there are fewer."""
    start = min(page, pages(entries) - 1) * PER_PAGE
    return entries[start : start + PER_PAGE]


def header(x: str, y: str) -> tuple[str, ...]:
    """Columns of the page's table, behind the point's name."""
    return (
        "method",
        AXES[x].label,
        AXES[y].label,
        "front of this view",
        "non-dominated in all",
        "feasible",
        "rank",
        "seed",
    )


def cells(entry: Entry, x: str, y: str) -> tuple[str, ...]:
    """The texts under `header`."""
    rank = "no price" if entry.rank is None else str(entry.rank)
    return (
        entry.point.record.spec.method,
        shown(AXES[x], entry.x),
        shown(AXES[y], entry.y),
        YES[entry.front],
        YES[entry.point.nondominated],
        YES[entry.feasible],
        f"{rank} (was {entry.rank_before})" if entry.moved else rank,
        str(entry.point.record.spec.seed),
    )


def csv_of(entries: Sequence[Entry], setting: Setting) -> str:
    """One line a point under a header, whatever the axes of the view; accuracies are fractions of validation images.
    `setting`: what they are priced by."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    measures = [f"{name}{part}" for name in ACCURACIES for part in ("", "_n", "_low", "_high")]
    about = ("point", "study", "method", "fidelity", "seed", "relu_budget", "relu_count")
    marks = ("front_of_view", "nondominated_in_all", "feasible", "health", "knobs")
    out.writerow((*about, *measures, "protocol", "link", *Cost._fields, "measured_s", *marks))
    for entry in entries:
        out.writerow(_line(entry, setting))
    return text.getvalue()


def _line(entry: Entry, setting: Setting) -> list[object]:
    found, point, spec = entry.point, entry.point.point, entry.point.record.spec
    measures = (getattr(point.validation, name) for name in ACCURACIES)
    figures = [number for one in measures for number in (one.value, one.n, one.low, one.high)]
    return [
        entry.key, entry.study, _plain(spec.method), found.fidelity, spec.seed, point.relu_budget, point.relu_count,
        *figures, setting.protocol, link_text(setting.link), *entry.cost, entry.measured_s,
        entry.front, found.nondominated, entry.feasible, found.health, _plain(found.knobs),
    ]  # fmt: skip


def _plain(text: str) -> str:
    """No formula for a spreadsheet, whoever wrote the record."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
