"""Extra points of any budget and width are told marked, and confuse neither total, repetition, volume nor address."""

from __future__ import annotations

from pathlib import Path

import pytest
from search_books import ask, remembered, search
from search_fakes import RELUS, complete, point, study

from frontier.driver.study import Search
from frontier.driver.work import Asked
from frontier.results.record import Point, ReluCount, TrialRecord
from frontier.results.spec import NetworkSpec, TrialSpec
from frontier.results.store import Study, write_record
from frontier.spaces.goals import FOUR

NARROW = NetworkSpec(name="tinynet", options={"width": 0.5})


@pytest.fixture(name="study")
def _study(tmp_path: Path) -> Study:
    return study(tmp_path)


def extra(spec: TrialSpec, budget: int, count: int, **fields: object) -> Point:
    update = {"relu_budget": budget, "relu_count": count, "counts": ReluCount(full=count, inner=count), **fields}
    return point(spec, relu_budget=count, role="extra").model_copy(update=update)


def finish(running: Search, asked: Asked) -> TrialRecord:
    """The asked point, a snapshot of its own budget, a narrower network, and one with a budget beyond the space."""
    spec = asked.spec
    extras = (
        extra(spec, spec.relu_budget, spec.relu_budget, label="snapshot after epoch 7 of the search"),
        extra(spec, 500, 250, label="width 0.5", network=NARROW),
        extra(spec, 7 * RELUS, RELUS, label="no budget of the space"),
    )
    record = complete(asked.trial, spec)
    record = record.model_copy(update={"points": (*record.points, *extras)})
    write_record(asked.folder, record)
    running.collect(asked.trial)
    return record


def test_extras_do_not_count_as_trials_and_change_no_question(study: Study) -> None:
    with search(study, trials=4) as running:
        records = []
        while asked := running.ask():
            records.append(finish(running, asked))
        assert (running.handed_out, running.complete, running.counts().complete) == (4, True, 4)
    assert [record.spec.relu_budget for record in records[:2]] == [0, RELUS]
    assert len({record.spec.model_dump_json() for record in records}) == 4


def test_the_sampler_is_told_the_asked_point_and_each_extra_once_and_marked(study: Study) -> None:
    with search(study) as running:
        finish(running, ask(running))
    with search(study):  # a resume adds none of them again
        pass
    told = [(theirs.user_attrs["trial"], theirs.user_attrs.get("point", 0)) for theirs in remembered(study)]
    assert told == [(0, 0), (0, 1), (0, 2)]  # the budget beyond the space is nothing to the sampler
    asked, snapshot, narrow = remembered(study)
    assert "extra" not in asked.user_attrs
    assert snapshot.user_attrs["extra"]
    assert narrow.user_attrs["extra"]
    assert narrow.params["relu_budget+1"] == 501
    assert snapshot.params == asked.params


def test_a_lost_database_is_rebuilt_with_the_extras(study: Study) -> None:
    with search(study) as running:
        finish(running, ask(running))
        finish(running, ask(running))
        front, volume = running.front(), running.hypervolume()
    (study.folder / "study.db").unlink()
    with search(study) as running:
        assert (running.front(), running.hypervolume()) == (front, volume)
    marked = [theirs.user_attrs for theirs in remembered(study) if "extra" in theirs.user_attrs]
    assert [(mark["trial"], mark["point"]) for mark in marked] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_front_and_volume_are_of_all_points_in_the_relus_of_the_studys_network(study: Study) -> None:
    with search(study) as running:
        finish(running, ask(running))
        record = finish(running, ask(running))
        front, volume = running.front(), running.hypervolume()
    records = dict(study.records())
    everything = [FOUR.values(point) for record in records.values() for point in record.points]
    assert volume == pytest.approx(FOUR.hypervolume(everything, RELUS))
    assert len(front) == len(FOUR.front(everything))
    assert record.points[2].network == NARROW
    assert {"0.2", "1.2"} & set(front)
