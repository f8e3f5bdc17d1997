"""What an inference costs, part by part, and all that is traded on parallel axes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from frontier import registry
from frontier.reports.facts import facts_of
from frontier.reports.points import points_of
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest
from frontier.spaces.goals import goal_of

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
SPLIT, PARALLEL = registry.load("figure", "latency_split"), registry.load("figure", "parallel_coordinates")
DELPHI = goal_of("online_s@delphi/lan").price


@pytest.fixture
def studied(make_point: MakePoint, make_record: MakeRecord) -> Studied:
    """Trial 1 is dominated; trial 2 has squares, which most protocols do not price."""
    values = [(100, 0.9, 0.7, 0.3), (200, 0.8, 0.6, 0.2), (300, 0.95, 0.75, 0.35)]
    records = [(i, make_record(make_point(*value, squares=7 * (i == 2)))) for i, value in enumerate(values)]
    return Studied(points_of(records))


def traces(figure: Any) -> dict[str, Any]:
    return {trace["name"].rsplit(" (", 1)[0]: trace for trace in json.loads(figure.to_json())["data"]}


def test_the_parts_add_up_to_the_whole(studied: Studied) -> None:
    rows = SPLIT.data(studied)
    assert [row.trial for row in rows] == ["0", "2"]
    for row in rows:
        assert row.relus_s + row.linear_s + row.input_output_s == pytest.approx(row.online_s)
        assert row.offline_s is None
        assert row.online_mb > 0


def test_what_no_source_tells_is_left_out_and_not_drawn_as_nothing(studied: Studied) -> None:
    drawn = traces(SPLIT.draw(SPLIT.data(studied), LIGHT))
    assert "offline" not in drawn
    assert {"ReLUs, online", "linear layers, online", "moved for ReLUs, online"} <= drawn.keys()
    patterns = [drawn[name]["marker"]["pattern"]["shape"] for name in ("ReLUs, online", "linear layers, online")]
    assert len(set(patterns)) == 2


def test_another_protocol_prices_the_same_points_and_names_what_it_cannot(
    studied: Studied, manifest: StudyManifest
) -> None:
    rows = SPLIT.data(replace(studied, price=DELPHI))
    assert [(row.trial, bool(row.problem)) for row in rows] == [("0", False), ("2", True)]
    assert "No price: trial 2 (delphi has no price for squares)" in SPLIT.alt(rows)
    facts = replace(facts_of(manifest, []), price=DELPHI)
    assert "Prices by delphi over a link of 0.3 ms and 3000 Mbit/s" in SPLIT.caption(facts)


def test_up_is_better_on_every_axis(studied: Studied) -> None:
    rows = PARALLEL.data(studied)
    drawn = traces(PARALLEL.draw(rows, LIGHT))
    best = drawn["non-dominated in all objectives"]
    heights = dict(zip(best["x"][:7], best["y"][:7], strict=True))  # trial 0: second best accuracy, fewest ReLUs
    assert heights[3] == 1.0
    assert 0 < heights[0] < 1
    last = best["y"][8:15]  # trial 2: best accuracies, most ReLUs
    assert last[:4] == [1.0, 1.0, 1.0, 0.0]
    assert drawn["dominated"]["line"]["dash"] != best["line"].get("dash")
    assert drawn["dominated"]["marker"]["symbol"] != best["marker"]["symbol"]


def test_a_count_of_zero_has_a_place_on_a_logarithmic_axis(make_point: MakePoint, make_record: MakeRecord) -> None:
    points = points_of([(i, make_record(make_point(count, 0.5, 0.4, 0.1))) for i, count in enumerate((0, 1000))])
    rows = PARALLEL.data(Studied(points))
    assert "ReLUs 1k to 0" in PARALLEL.alt(rows)
    drawn = PARALLEL.draw(rows, LIGHT).to_json()
    assert '"0"' in drawn


def test_a_long_study_keeps_its_non_dominated_lines(study: list[tuple[int, TrialRecord]]) -> None:
    points = points_of([(i, study[i % len(study)][1]) for i in range(900)])
    rows = PARALLEL.data(Studied(points))
    assert len(rows) <= PARALLEL.MOST_LINES
    best = [point.address for point in points if point.nondominated]
    kept = {row.trial for row in rows if row.nondominated_in_all}
    assert kept <= set(best)
    assert len(kept) == min(len(best), PARALLEL.MOST_LINES)
