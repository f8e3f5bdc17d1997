"""Bands over seeds: what a quarter, half and three quarters of the runs attain."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from frontier import registry
from frontier.reports.points import points_of
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT
from frontier.results.record import Point, TrialRecord

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
FIGURE = registry.load("figure", "bands_over_seeds")


@pytest.fixture
def seeds(make_point: MakePoint, make_record: MakeRecord) -> Studied:
    """Four studies: with 100 ReLUs they reach 60, 70, 80 and 90 %; the last one has a point with 50 as well."""

    def studied(*points: Point) -> Studied:
        return Studied(points_of([(i, make_record(point)) for i, point in enumerate(points)]))

    made = [studied(make_point(100, clean, 0.5, 0.2)) for clean in (0.6, 0.7, 0.8)]
    last = studied(make_point(100, 0.9, 0.5, 0.2), make_point(50, 0.55, 0.4, 0.2))
    return Studied(made[0].points, seeds=(*made[1:], last))


def test_surfaces_are_what_so_many_of_the_runs_attain(seeds: Studied) -> None:
    rows = {row.relu_count: row for row in FIGURE.data(seeds)}
    there = rows[100]
    attained = (there.attained_by_25_percent, there.attained_by_50_percent, there.attained_by_75_percent)
    assert attained == pytest.approx((90, 80, 70))
    assert rows[50].attained_by_25_percent == pytest.approx(55)
    assert rows[50].attained_by_50_percent is None
    assert {(row.runs, row.over) for row in rows.values()} == {(4, "studies")}


def test_of_one_seed_there_is_no_band_and_it_is_said(make_point: MakePoint, make_record: MakeRecord) -> None:
    one = Studied(points_of([(0, make_record(make_point(100, 0.9, 0.5, 0.2)))]))
    assert FIGURE.data(one) == ()
    assert "--replicate" in FIGURE.alt(())


def test_replicates_of_equal_rank_are_a_run_and_the_winner_is_none(
    make_point: MakePoint, make_record: MakeRecord
) -> None:
    records = [(0, make_record(make_point(100, 0.99, 0.5, 0.2)))]
    for i, clean in enumerate((0.9, 0.8), 1):
        again = make_record(make_point(100, clean, 0.5, 0.2), seed=i)
        records.append((i, again.model_copy(update={"spec": again.spec.model_copy(update={"replicates": 0})})))
    rows = FIGURE.data(Studied(points_of(records)))
    assert {(row.runs, row.over) for row in rows} == {(2, "replicates")}
    assert rows[-1].attained_by_25_percent == pytest.approx(90)
    assert rows[-1].attained_by_75_percent == pytest.approx(80)


def test_lines_differ_in_dash_and_are_steps(seeds: Studied) -> None:
    drawn = json.loads(FIGURE.draw(FIGURE.data(seeds), LIGHT).to_json())["data"]
    assert len({trace["line"]["dash"] for trace in drawn if "name" in trace}) == 3
    upper, lower = (trace for trace in drawn if "name" not in trace)
    assert (lower["fill"], lower["x"]) == ("tonexty", upper["x"])  # no wedge between lines that begin apart
    assert min(x for trace in drawn for x in trace["x"]) < min(upper["x"])
    assert {trace["line"]["shape"] for trace in drawn} == {"hv"}
    assert "25, 50 and 75% of 4 runs" in FIGURE.alt(FIGURE.data(seeds))
