"""Constraints reach Optuna with every complete point, before it is told, and every sampler lives with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import search_fakes as fakes
from optuna.trial import TrialState
from search_books import finish, remembered

from frontier.driver.study import Search
from frontier.results.store import Study, write_record
from frontier.spaces.space import Space

LIMITS = ("clean >= 0.7", "relu_count <= 400")


@pytest.fixture
def question() -> Space:
    return fakes.space().model_copy(update={"constraints": LIMITS})


@pytest.fixture
def study(tmp_path: Path, question: Space) -> Study:
    return fakes.study(tmp_path, question)


def violations(question: Space, point: object) -> dict[str, float]:
    return {limit.text: pytest.approx(limit.violation(point)) for limit in question.limits}


def test_asked_and_extra_points_are_told_with_their_violations(study: Study, question: Space) -> None:
    with Search(study, question, trials=2) as running:
        records = [finish(running, running.ask(), 300), finish(running, running.ask())]
    asked, extra, second = remembered(study)
    assert asked.constraints == violations(question, records[0].points[0])
    assert extra.constraints == violations(question, records[0].points[1])
    assert second.constraints == violations(question, records[1].points[0])
    assert second.constraints["relu_count <= 400"] > 0


def test_a_rebuilt_memory_and_a_late_record_have_them_too(study: Study, question: Space) -> None:
    with Search(study, question, trials=2) as running:
        finish(running, running.ask(), 300)
        late = running.ask()
    write_record(late.folder, fakes.complete(late.trial, late.spec))
    with Search(study, question, trials=2):
        pass
    before = {trial.user_attrs["trial"]: trial.constraints for trial in remembered(study)}
    (study.folder / "study.db").unlink()
    with Search(study, question, trials=2):
        pass
    after = {trial.user_attrs["trial"]: trial.constraints for trial in remembered(study)}
    assert before.keys() == after.keys() == {0, 1}
    assert all(set(found) == set(LIMITS) for found in (*before.values(), *after.values()))


def test_a_failed_trial_has_none(study: Study, question: Space) -> None:
    with Search(study, question, trials=1) as running:
        asked = running.ask()
        write_record(asked.folder, fakes.unsuccessful(asked.trial, asked.spec, "failed"))
        running.collect(asked.trial)
    (told,) = remembered(study)
    assert (told.state, told.constraints) == (TrialState.FAIL, {})


@pytest.mark.parametrize("sampler", ["gp", "tpe", "nsga2", "nsga3", "qmc", "random", "hybrid"])
def test_every_sampler_goes_on_under_constraints(tmp_path: Path, question: Space, sampler: str) -> None:
    study = fakes.study(tmp_path / sampler, question, sampler=sampler)
    with Search(study, question, trials=14) as running:
        while asked := running.ask():
            finish(running, asked, 10)
    assert running.complete


def test_tpe_asks_more_often_where_the_constraints_are_kept(tmp_path: Path) -> None:
    def share_below(constraints: tuple[str, ...]) -> float:
        question = fakes.space(anchors=()).model_copy(update={"constraints": constraints})
        study = fakes.study(tmp_path / f"{len(constraints)}", question, sampler="tpe")
        with Search(study, question, trials=60, database=False) as running:
            while asked := running.ask():
                finish(running, asked)
        return sum(study.spec(trial).relu_budget <= 20 for trial in range(20, 60)) / 40

    assert share_below(("relu_count <= 20",)) > share_below(())
