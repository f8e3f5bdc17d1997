"""Replicates: the front run again with other seeds; they count towards no total, no front, and no sampler."""

from __future__ import annotations

from pathlib import Path

import pytest
import search_fakes as fakes
from search_books import finish, finish_all, remembered, search

from frontier.driver import events
from frontier.reports.points import points_of
from frontier.results.store import Study, write_record


@pytest.fixture
def study(tmp_path: Path) -> Study:
    found = fakes.study(tmp_path)
    with search(found, trials=4) as running:
        finish_all(running)
    return found


def test_each_trial_of_the_front_is_run_again_with_each_seed(study: Study) -> None:
    with search(study, trials=4, replicate=3) as running:
        front = [int(address) for address in running.front()]
        before = (running.front(), running.hypervolume(), running.counts(), running.handed_out)
        assert (running.remaining, running.complete) == (3 * len(front), False)
        finish_all(running)
        assert (running.front(), running.hypervolume(), running.counts(), running.handed_out) == before
        assert running.complete
    copies = [study.record(trial).spec for trial in study.trials() if trial >= 4]
    assert sorted(spec.replicates for spec in copies) == sorted(3 * front)
    for spec in copies:
        original = study.record(spec.replicates).spec
        assert spec == original.model_copy(update={"seed": spec.seed, "replicates": spec.replicates})
        assert spec.seed != original.seed
    assert len({(spec.replicates, spec.seed) for spec in copies}) == len(copies)


def test_the_sampler_is_told_of_none_of_them(study: Study) -> None:
    before = [(trial.number, trial.state) for trial in remembered(study)]
    with search(study, trials=4, replicate=1) as running:
        finish_all(running)
    assert [(trial.number, trial.state) for trial in remembered(study)] == before
    (study.folder / "study.db").unlink()
    with search(study, trials=4):
        pass
    assert {trial.user_attrs["trial"] for trial in remembered(study)} == set(range(4))


def test_those_that_were_begun_are_finished_and_none_is_run_twice(study: Study) -> None:
    with search(study, trials=4, replicate=2) as running:
        left = running.ask()
        finish(running, running.ask())
    with search(study, trials=4, replicate=2) as running:
        again = running.ask()
        assert (again.trial, again.spec) == (left.trial, left.spec)
        finish(running, again)
        finish_all(running)
        front = running.front()
    copies = [study.record(trial).spec for trial in study.trials() if trial >= 4]
    assert len(copies) == 2 * len(front)


def test_a_search_goes_on_after_replicates_with_the_total_that_it_had(study: Study) -> None:
    with search(study, trials=4, replicate=1) as running:
        finish_all(running)
        copies = len(running.front())
    with search(study, trials=6) as running:
        assert running.remaining == 2
        finish_all(running)
        assert running.counts().complete == 6
    assert len(study.trials()) == 6 + copies


def test_an_event_says_of_which_trial_it_is_one(study: Study) -> None:
    heard: list[events.Event] = []
    with search(study, trials=4, replicate=1, on_event=heard.append) as running:
        front = [int(address) for address in running.front()]
        finish_all(running)
    assert [event.replicates for event in heard if event.event == "finished"] == front


def test_points_stand_with_what_their_replicates_found(study: Study) -> None:
    with search(study, trials=4, replicate=2) as running:
        front = {int(address) for address in running.front()}
        finish_all(running)
    points = points_of(study.records(), relus=fakes.RELUS)
    assert {point.trial for point in points} == set(range(4))
    for point in points:
        assert len(point.replicates) == (2 if point.trial in front else 0)


def test_a_replicate_that_failed_or_cannot_be_read_stops_nothing(study: Study) -> None:
    with search(study, trials=4, replicate=2) as running:
        failed, torn = running.ask(), running.ask()
        write_record(failed.folder, fakes.unsuccessful(failed.trial, failed.spec, "failed"))
        (torn.folder / "record.json").write_text("{")
        running.collect(failed.trial)
        running.collect(torn.trial)
        finish_all(running)
        assert running.counts().failed == 0
    with search(study, trials=5) as running:  # they are none of its trials
        assert (running.counts().unreadable, running.remaining) == (0, 1)


def test_a_study_that_is_not_at_its_total_replicates_nothing_yet(study: Study) -> None:
    with search(study, trials=5, replicate=2) as running:
        assert running.remaining == 1
