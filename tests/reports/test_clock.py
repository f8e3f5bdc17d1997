"""When trials ended: by events, by records, and what does not count as searching."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from frontier import registry
from frontier.reports.clock import by_events, by_records, ended_s
from frontier.reports.points import points_of, volume_of
from frontier.reports.studied import Studied
from frontier.results.record import Point, TrialRecord

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
FIGURE = registry.load("figure", "hypervolume_over_time")


def at(minute: int, event: str, **fields: object) -> dict[str, object]:
    return {"ts": f"2026-01-01T00:{minute:02d}:00.000+00:00", "event": event, **fields}


def test_time_between_a_driver_and_its_successor_does_not_count() -> None:
    events = [
        at(0, "started"), at(2, "finished", trial=0), at(3, "interrupted"),
        at(33, "resumed"), at(34, "asked", trial=1), at(38, "finished", trial=1),
    ]  # fmt: skip
    assert by_events(events) == {0: 120, 1: 180 + 300}


def test_of_a_trial_that_ended_twice_the_last_end_counts_and_torn_events_are_left_out() -> None:
    events = [
        at(0, "started"),
        at(2, "finished", trial=0),
        {"event": "finished", "trial": 9},
        at(5, "finished", trial=0),
    ]
    assert by_events(events) == {0: 300}
    assert by_events([{"ts": "soon", "event": "finished", "trial": 1}]) == {}


def timed(record: TrialRecord, minute: int, seconds: float) -> TrialRecord:
    began = {"started_at": f"2026-01-01T00:{minute:02d}:00+00:00", "wall_s": {"linearize": seconds}}
    return record.model_copy(update={"origin": record.origin.model_copy(update=began)})


def test_records_tell_the_time_in_which_any_of_them_ran(make_point: MakePoint, make_record: MakeRecord) -> None:
    record = make_record(make_point(10, 0.7, 0.5, 0.2))
    found = by_records(
        [(0, timed(record, 0, 120)), (1, timed(record, 1, 120)), (2, timed(record, 40, 60)), (3, record)]
    )
    assert found == {0: 120, 1: 180, 2: 240}


def test_events_go_before_records(make_point: MakePoint, make_record: MakeRecord) -> None:
    records = [(0, timed(make_record(make_point(10, 0.7, 0.5, 0.2)), 0, 30))]
    assert ended_s([at(0, "started"), at(1, "finished", trial=0)], records) == ({0: 60}, "events")
    assert ended_s([], records) == ({0: 30}, "records")
    assert ended_s([], []) == ({}, "")


def test_the_figure_goes_by_the_order_of_the_ends(make_point: MakePoint, make_record: MakeRecord) -> None:
    better, worse = make_record(make_point(10, 0.9, 0.8, 0.5)), make_record(make_point(20, 0.5, 0.4, 0.1))
    points = points_of([(0, better), (1, worse)])
    studied = Studied(points, ended_s={1: 1800, 0: 7200, 9: 1}, clock="events")
    rows = FIGURE.data(studied)
    assert [(row.trial, row.hours) for row in rows] == [("1", 0.5), ("0", 2.0)]
    assert rows[0].hypervolume < rows[1].hypervolume == pytest.approx(volume_of(points))
    assert "by the study's events" in FIGURE.alt(rows)
    assert FIGURE.data(replace(studied, ended_s={})) == ()


def test_the_caption_states_the_reference_point(manifest: object) -> None:
    from frontier.reports.facts import facts_of

    assert "reference point 0 on each" in FIGURE.caption(facts_of(manifest, []))  # type: ignore[arg-type]
