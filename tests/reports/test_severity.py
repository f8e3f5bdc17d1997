"""The figure of accuracy by severity: it takes the search's own parts, and nothing that a record lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from frontier import registry
from frontier.corruptions._apply import FAMILIES
from frontier.reports.facts import facts_of
from frontier.reports.figures.corrupted_by_severity import MOST_POINTS, Row
from frontier.reports.points import points_of
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
FIGURE = registry.load("figure", "corrupted_by_severity")


def without_parts(point: Point) -> Point:
    return point.model_copy(update={"validation": point.validation.model_copy(update={"parts": {}})})


def test_clean_is_severity_0_and_the_others_are_means_over_corruptions(
    make_point: MakePoint, make_record: MakeRecord
) -> None:
    rows = FIGURE.data(Studied(points_of([(3, make_record(make_point(100, 0.9, 0.7, 0.1)))])))
    assert [(row.severity, row.corruptions) for row in rows] == [(0, 0), (1, 2), (3, 2), (5, 2)]
    assert [row.accuracy_percent for row in rows] == pytest.approx([90, 75, 70, 65])
    assert all(row.low < row.accuracy_percent < row.high for row in rows)
    assert {row.images for row in rows} == {360}


def test_families_stand_in_columns_where_they_were_measured(make_point: MakePoint, make_record: MakeRecord) -> None:
    rows = FIGURE.data(Studied(points_of([(3, make_record(make_point(100, 0.9, 0.7, 0.1)))])))
    assert (rows[0].noise_percent, rows[0].digital_percent) == (None, None)
    assert (rows[1].noise_percent, rows[1].digital_percent) == pytest.approx((76, 74))
    assert {row.blur_percent for row in rows} == {None}
    assert {f"{family}_percent" for family in (*FAMILIES, "own")} <= set(Row.__dataclass_fields__)


def test_a_corruption_that_is_not_installed_is_somebodys_own(make_point: MakePoint, make_record: MakeRecord) -> None:
    point = make_point(100, 0.9, 0.7, 0.1)
    renamed = {key.replace("contrast", "rain"): part for key, part in point.validation.parts.items()}
    point = point.model_copy(update={"validation": point.validation.model_copy(update={"parts": renamed})})
    record = make_record(point)
    measure = record.spec.measure.model_copy(update={"corruptions": ("gaussian_noise", "rain")})
    record = record.model_copy(update={"spec": record.spec.model_copy(update={"measure": measure})})
    assert FIGURE.data(Studied(points_of([(0, record)])))[1].own_percent == pytest.approx(74)


def test_a_long_front_is_sampled_by_rising_count(study: list[tuple[int, TrialRecord]]) -> None:
    rows = FIGURE.data(Studied(points_of(study)))
    counts = list(dict.fromkeys(row.relu_count for row in rows))
    assert len({row.trial for row in rows}) == MOST_POINTS
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 1280)
    lines = json.loads(FIGURE.draw(rows, LIGHT).to_json())["data"]
    assert len({(line["line"]["dash"], line["marker"]["symbol"]) for line in lines}) == MOST_POINTS


def test_a_record_without_parts_is_left_out_and_alone_it_is_said(
    make_point: MakePoint, make_record: MakeRecord
) -> None:
    bare = make_record(without_parts(make_point(50, 0.99, 0.8, 0.5)))
    whole = make_record(make_point(100, 0.9, 0.9, 0.1))
    assert {row.trial for row in FIGURE.data(Studied(points_of([(0, bare), (1, whole)])))} == {"1"}
    assert FIGURE.data(Studied(points_of([(0, bare)]))) == ()
    assert "no point of the front has its corrupted accuracy broken up" in FIGURE.alt(())


def test_oracle_routed_lines_are_those_of_the_clean_branch(make_point: MakePoint, make_record: MakeRecord) -> None:
    point = make_point(500, 0.9, 0.7, 0.1, branches={"adversarial": (0.8, 0.6, 0.5)})
    rows = FIGURE.data(Studied(points_of([(0, make_record(point))], oracle_routed=True)))
    assert {row.routing for row in rows} == {"oracle"}
    assert [row.accuracy_percent for row in rows] == pytest.approx([90, 75, 70, 65])


def test_captions_of_corrupted_accuracy_carry_the_label(
    manifest: StudyManifest, make_point: MakePoint, make_record: MakeRecord
) -> None:
    def captions(**options: Any) -> list[str]:
        facts = facts_of(manifest, [(0, make_record(make_point(9, 0.9, 0.7, 0.1), **options))])
        names = ("corrupted_vs_relus", "corrupted_by_severity", "hypervolume_over_trials")
        return [registry.load("figure", name).caption(facts) for name in names]

    label, files = "CIFAR-10-C-style (regenerated)", "CIFAR-10-C (official files)"
    assert all(label in text for text in captions(labels={"validation": label, "test": label}))
    assert all("common corruptions on digits, scaled rules (not CIFAR-C)" in text for text in captions())
    assert files in captions(labels={"validation": label, "test": label, "official": files})[0]
    assert files not in captions(labels={"validation": label, "test": label})[0]
