"""A point that failed a health check is marked in the front and in every figure, with a shape and in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from frontier import registry
from frontier.reports.page import bundle, render
from frontier.reports.points import StudyPoint, failed, points_of
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT
from frontier.results.evaluation import Evaluation
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
MakeAttack = Callable[..., Evaluation]
MakeCorruptions = Callable[..., Evaluation]
Study = list[tuple[int, TrialRecord]]
BUNDLE = bundle()
SCATTERS = ("clean_vs_relus", "corrupted_vs_relus", "adversarial_vs_relus")
WORDS = "failed a health check"


@pytest.fixture
def flagged(
    make_point: MakePoint, make_record: MakeRecord, make_attack: MakeAttack, make_corruptions: MakeCorruptions
) -> Study:
    """Trial 0 failed order and square, its extra passed, 1 was never evaluated, 2 on corruptions alone."""
    extra = make_point(50, 0.8, 0.6, 0.3, role="extra", label="snapshot")
    evaluations = (make_attack(failed=("square", "order")), make_attack(point=1))
    return [
        (0, make_record(make_point(100, 0.9, 0.7, 0.31), extra, evaluations=evaluations)),
        (1, make_record(make_point(10, 0.7, 0.5, 0.2))),
        (2, make_record(make_point(20, 0.75, 0.55, 0.1), evaluations=(make_corruptions(),))),
    ]


def section(page: str, name: str) -> str:
    return page.replace(BUNDLE, "").split(f'<section id="{name}">')[1].split("</section>")[0]


def test_health_is_of_the_very_point(flagged: Study) -> None:
    found = {point.address: point.health for point in points_of(flagged)}
    assert found == {"0": "failed order, square", "0.1": "ok", "1": "", "2": ""}
    assert [failed(health) for health in found.values()] == [True, False, False, False]
    assert [point.checked for point in points_of(flagged)] == [True, True, False, False]


@pytest.mark.parametrize("name", SCATTERS)
def test_scatters_mark_flagged_points_with_a_shape_of_their_own(name: str, flagged: Study) -> None:
    figure = registry.load("figure", name)
    rows = figure.data(Studied(points_of(flagged)))
    drawn = json.loads(figure.draw(rows, LIGHT).to_json())["data"]
    (marks,) = [trace for trace in drawn if trace["name"] == f"{WORDS} (1)"]
    assert (marks["x"], marks["marker"]["color"]) == ([100], LIGHT.flag)
    others = {trace["marker"]["symbol"] for trace in drawn if trace is not marks}
    assert marks["marker"]["symbol"] not in others
    assert f"1 {WORDS}: trial 0." in figure.alt(rows)
    assert {row.trial: row.health for row in rows} == {"0": "failed order, square", "0.1": "ok", "1": "", "2": ""}
    hovers = " ".join(text for trace in drawn for text in trace.get("text", ()))
    assert "health checks: failed order, square" in hovers
    assert "health checks: ok" in hovers


def test_without_a_flag_no_figure_speaks_of_it(flagged: Study) -> None:
    for name in registry.names("figure"):
        figure = registry.load("figure", name)
        rows = figure.data(Studied(points_of(flagged[1:])))
        assert WORDS not in figure.draw(rows, LIGHT).to_json()
        assert WORDS not in figure.alt(rows)


def test_columns_of_the_site_map_are_marked(flagged: Study) -> None:
    figure = registry.load("figure", "kept_relus_by_site")
    rows = figure.data(Studied(points_of(flagged)))
    axis = json.loads(figure.draw(rows, LIGHT).to_json())["layout"]["xaxis"]
    assert [text for text in axis["ticktext"] if text.startswith("□ ")] == ["□ 100 (0)"]
    assert f"□ {WORDS}" in axis["title"]["text"]
    assert {row.health for row in rows if row.trial == "0"} == {"failed order, square"}
    assert f"1 of them {WORDS}: trial 0." in figure.alt(rows)


def test_lines_by_severity_are_marked(flagged: Study) -> None:
    figure = registry.load("figure", "corrupted_by_severity")
    rows = figure.data(Studied(points_of(flagged)))
    drawn = json.loads(figure.draw(rows, LIGHT).to_json())["data"]
    (marks,) = [trace for trace in drawn if trace["name"] == f"{WORDS} (1)"]
    (line,) = [trace for trace in drawn if trace["name"] == "100 ReLUs (trial 0)"]
    assert (marks["x"], marks["y"]) == (line["x"], line["y"])
    assert f"1 {WORDS}: trial 0." in figure.alt(rows)


def test_the_hypervolume_names_what_was_flagged_also_between_the_rows_of_a_long_study(
    study: Study, make_attack: MakeAttack
) -> None:
    figure = registry.load("figure", "hypervolume_over_trials")
    long = [(i, study[i % len(study)][1]) for i in range(300)]
    long[200] = (200, long[200][1].model_copy(update={"evaluations": (make_attack(failed=("order",)),)}))
    rows = figure.data(Studied(points_of(long)))
    (marked,) = [row for row in rows if row.failed_a_health_check]
    assert marked.failed_a_health_check == "200 (order)"
    assert marked.trial in (200, 201, 202)
    drawn = json.loads(figure.draw(rows, LIGHT).to_json())["data"]
    assert drawn[1]["x"] == [marked.trial]
    assert drawn[1]["name"] == f"a point {WORDS} (1)"
    assert f"{WORDS} at trial {marked.trial}." in figure.alt(rows)


def test_the_front_says_of_each_point_how_healthy_it_is(manifest: StudyManifest, flagged: Study) -> None:
    front = section(render(manifest, flagged), "front")
    rows = front.split("<tbody>")[1].split("</tr>")
    health = {
        re.findall(r"<tr><td>([\d.]+)<", row)[0]: re.findall(r'<td class="wide">(.*?)</td>', row)[0]
        for row in rows[:-1]
    }
    assert re.sub(r"<[^>]*>", "", health["0"]) == "□ failed order, square"
    assert 'class="warn"' in health["0"]
    assert front.count("□ flagged") == 1
    assert (health["0.1"], health["1"]) == ("ok", "not evaluated")
    if "2" in health:
        assert health["2"] == "not checked"


def test_the_page_says_it_under_every_figure_and_at_its_top(manifest: StudyManifest, flagged: Study) -> None:
    page = render(manifest, flagged)
    shown = [name for name in registry.names("figure") if f'<section id="{name}">' in page]
    assert len(shown) > 9
    for name in shown:
        assert "Trial 0 failed a health check." in section(page, name)
    assert "<b>1 of 2</b><span>failed a health check</span>" in page
    assert "failed a health check." not in section(render(manifest, flagged[1:]), "clean_vs_relus")


def test_the_flag_is_of_the_latest_evaluation(
    make_point: MakePoint, make_record: MakeRecord, make_attack: MakeAttack
) -> None:
    again = make_record(make_point(9, 0.9, 0.7, 0.3), evaluations=(make_attack(failed=("order",)), make_attack()))
    (point,) = points_of([(0, again)])
    assert isinstance(point, StudyPoint)
    assert (point.health, len(point.evaluations)) == ("ok", 1)
