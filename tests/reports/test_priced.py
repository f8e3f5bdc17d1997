"""Reports of studies whose objectives are prices, and of old studies under other objectives."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from frontier import registry
from frontier.reports.facts import facts_of
from frontier.reports.page import render
from frontier.reports.points import front_of, points_of, unpriced_of, volume_of
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest
from frontier.spaces.goals import FOUR, goals_of

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
Study = list[tuple[int, TrialRecord]]
WAN = goals_of(["clean", "online_s@crypten/wan"])


@pytest.fixture
def twins(make_point: MakePoint, make_record: MakeRecord) -> Study:
    """Equal accuracy: trial 0 keeps 300 ReLUs in three layers, trial 1 has 200 of them spread over five."""
    packed = make_point(300, 0.8, 0.6, 0.2)
    sites = [site.model_copy(update={"kept": 40}) for site in packed.profile.sites]
    spread = make_point(200, 0.8, 0.6, 0.2)
    spread = spread.model_copy(update={"profile": spread.profile.model_copy(update={"sites": tuple(sites)})})
    return [(0, make_record(packed)), (1, make_record(spread))]


def test_an_old_study_has_another_front_by_seconds(twins: Study) -> None:
    assert [p.address for p in front_of(points_of(twins))] == ["1"]
    priced = points_of(twins, goals=WAN)
    assert [p.address for p in front_of(priced)] == ["0"]
    assert 0 < volume_of(priced) < 1
    assert priced[0].by_objective.keys() == {"clean", "online_s@crypten/wan"}


def test_the_figure_of_seconds_shows_both_fronts(twins: Study, manifest: StudyManifest) -> None:
    figure = registry.load("figure", "clean_vs_seconds")
    rows = figure.data(Studied(points_of(twins)))
    assert [(row.trial, row.relu_layers, row.front_of_this_view, row.front_by_relu_count) for row in rows] == [
        ("0", 3, True, False),
        ("1", 5, False, True),
    ]
    assert rows[0].online_s < rows[1].online_s
    drawn = json.loads(figure.draw(rows, LIGHT).to_json())["data"]
    assert [trace["name"] for trace in drawn] == [
        "other points (1)",
        "non-dominated in all objectives (1)",
        "front by ReLU count (1)",
        "front of this view (1)",
    ]
    assert "On the front by ReLU count and not on this one: trial 1." in figure.alt(rows)
    assert "online_s@crypten/wan, a model's price over a link of 40 ms" in figure.caption(facts_of(manifest, twins))
    lan = goals_of(["clean", "rounds@crypten/wan", "online_s@delphi/lan"])
    assert {row.price for row in figure.data(Studied(points_of(twins, goals=lan)))} == {"online_s@delphi/lan"}


def test_a_point_without_a_price_is_named_with_the_reason(
    twins: Study, manifest: StudyManifest, make_point: MakePoint, make_record: MakeRecord
) -> None:
    goals = goals_of(["clean", "relu_count", "online_s@delphi/lan"])
    study = [*twins, (2, make_record(make_point(10, 0.9, 0.6, 0.2, squares=7)))]
    points = points_of(study, goals=goals)
    assert "2" not in {p.address for p in front_of(points)}
    ((reason, addresses),) = unpriced_of(points).items()
    assert (addresses, "no price for squares" in reason) == (["2"], True)
    page = render(manifest, study, goals=goals)
    assert "Points without a price" in page
    assert "<li>trial 2: delphi has no price for squares</li>" in page
    assert '<th scope="col" class="number">online_s@delphi/lan</th>' in page
    assert "on clean, relu_count, online_s@delphi/lan together" in page
    assert "Points without a price" not in render(manifest, study)
    figure = registry.load("figure", "clean_vs_seconds")
    assert {row.trial for row in figure.data(Studied(points))} == {"0", "1"}


def test_the_caption_of_the_hypervolume_names_the_sides_of_the_box(twins: Study, manifest: StudyManifest) -> None:
    figure = registry.load("figure", "hypervolume_over_trials")
    assert "clean, corrupted and adversarial accuracy in [0, 1]; 1 - log10" in figure.caption(facts_of(manifest, twins))
    words = figure.caption(facts_of(manifest, twins, goals=WAN))
    assert "Box: clean accuracy in [0, 1]; 1 - log(x/none) / log(all/none) for online_s@crypten/wan" in words
    assert figure.data(Studied(points_of(twins, goals=WAN)))[-1].hypervolume == volume_of(points_of(twins, goals=WAN))
    assert volume_of(points_of(twins, goals=FOUR)) != volume_of(points_of(twins, goals=WAN))
