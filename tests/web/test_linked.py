"""Every figure of the report is a view of the page, over the brushed points and on the axes of all of them."""

from __future__ import annotations

import pytest

from frontier import registry
from frontier.reports.theme import DARK, LIGHT
from frontier.web.desk import Desk
from frontier.web.linked import MOST_ROWS
from frontier.web.view import View

SOME = View(studies=("one",), brush=(1e3, 1e5, 50.0, 80.0))


@pytest.mark.parametrize("name", registry.names("figure"))
def test_a_figure_shows_the_brushed_points_alone(desk: Desk, name: str) -> None:
    ((_, whole),) = desk.linked(name, View(studies=("one",)), LIGHT)
    ((_, part),) = desk.linked(name, SOME, DARK)
    addresses = {entry.point.address for entry in desk.frame(SOME).chosen}
    trials = {address.partition(".")[0] for address in addresses}
    column = {header: i for i, header in enumerate(part.header)}.get("trial")
    if column is not None:
        assert {row[column].partition(".")[0] for row in part.rows} <= trials
    assert part.total <= whole.total
    assert len(whole.rows) == min(whole.total, MOST_ROWS)
    assert whole.alt
    assert whole.caption
    assert whole.misleads


def test_axes_stay_where_they_were_under_a_brush(desk: Desk) -> None:
    ((_, whole),) = desk.linked("clean_vs_relus", View(studies=("one",)), LIGHT)
    ((_, part),) = desk.linked("clean_vs_relus", SOME, LIGHT)
    assert 0 < part.total < whole.total
    assert part.figure.layout.xaxis.range == whole.figure.layout.xaxis.range
    values = [value for trace in whole.figure.data for value in trace.y]
    low, high = part.figure.layout.yaxis.range
    assert low < min(values) < max(values) < high


def test_several_studies_have_a_figure_each(desk: Desk) -> None:
    assert [name for name, _ in desk.linked("clean_vs_relus", View(), LIGHT)] == [
        "one",
        "two",
    ]
