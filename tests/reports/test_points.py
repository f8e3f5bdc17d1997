"""Points, their two fronts, and the trials that have none."""

from __future__ import annotations

from collections.abc import Callable

from frontier.errors import RecordError
from frontier.reports.facts import UNKNOWN, facts_of
from frontier.reports.points import absent_of, front_of, front_of_view, points_of
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]


def test_only_complete_trials_have_points_and_extra_points_have_their_own_address(
    make_point: MakePoint, make_record: MakeRecord
) -> None:
    extra = make_point(50, 0.8, 0.6, 0.3, role="extra")
    records: list[tuple[int, TrialRecord | RecordError]] = [
        (3, make_record(make_point(10, 0.7, 0.5, 0.2), extra)),
        (4, make_record(make_point(5, 0.99, 0.99, 0.99), state="pruned", reason="stopped at a rung")),
        (5, make_record(state="failed", reason="NaN")),
        (6, RecordError("not JSON", where="record.json")),
    ]
    assert [point.address for point in points_of(records)] == ["3", "3.1"]
    assert [(trial.trial, trial.state) for trial in absent_of(records)] == [
        (4, "pruned"),
        (5, "failed"),
        (6, "unreadable"),
    ]


def test_validation_alone_decides_the_front(make_point: MakePoint, make_record: MakeRecord) -> None:
    better_on_test = make_record(make_point(10, 0.7, 0.5, 0.2, drop=0.0))
    better_on_validation = make_record(make_point(10, 0.71, 0.51, 0.21, drop=0.3))
    points = points_of([(0, better_on_test), (1, better_on_validation)])
    assert [point.trial for point in front_of(points)] == [1]


def test_the_front_of_a_view_rises_and_keeps_equal_points() -> None:
    costs = [0, 10, 10, 10, 20, 30, 40]
    gains = [0.5, 0.4, 0.6, 0.6, 0.6, 0.7, 0.65]
    assert front_of_view(costs, gains) == [0, 2, 3, 5]
    assert front_of_view([], []) == []


def test_facts_name_every_value_that_occurs_and_say_what_is_unknown(
    manifest: StudyManifest, make_point: MakePoint, make_record: MakeRecord
) -> None:
    point = make_point(10, 0.7, 0.5, 0.2)
    facts = facts_of(manifest, [(0, make_record(point)), (1, make_record(point, method="random", seed=3))])
    assert facts.methods == "snl (authors_code); random (authors_code)"
    assert facts.seeds == "2 seeds (0 to 3), one per trial"
    assert facts.attack == "pgd, 10 steps, eps 1, 2, 4, 8 /255 (mean)"
    assert facts.counted("adversarial") == "validation n = 100, test n = 100"
    assert facts_of(manifest, []).counted("clean") == f"validation n = {UNKNOWN}, test n = {UNKNOWN}"
