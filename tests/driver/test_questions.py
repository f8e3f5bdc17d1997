"""No question is asked twice, whatever its seed, and a space that holds no other one ends the study."""

from __future__ import annotations

from pathlib import Path

import pytest
import search_fakes as fakes
from optuna.trial import TrialState
from search_books import ask, finish, finish_all, remembered

from frontier.driver.drive import drive
from frontier.driver.questions import DRAWS, NO_OTHER
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.spaces.domain import ChoiceDomain, IntDomain
from frontier.spaces.space import Space


def few(*budgets: int) -> Space:
    """As many questions as budgets."""
    full = fakes.space(anchors=())
    return full.model_copy(
        update={
            "relu_budget": ChoiceDomain(options=budgets),
            "methods": {"random": {"share": 0.5, "rule": "a"}},
            "finetune": full.finetune | {"lr": 0.1},
        }
    )


def test_what_was_asked_before_is_drawn_again_but_not_for_ever(tmp_path: Path) -> None:
    study = fakes.study(tmp_path, few(1, 2))
    with Search(study, few(1, 2), trials=4) as running:
        budgets = [ask(running).spec.relu_budget for _ in range(2)]
        assert running.ask() is None
        assert running.remaining == 0
        assert not running.complete  # two trials run
    assert set(budgets) == {1, 2}
    tries = [trial.user_attrs["trial"] for trial in remembered(study)]
    assert tries.count(2) == DRAWS
    assert study.trials() == [0, 1]  # no number was taken for what is not asked


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_every_question_of_a_small_space_is_asked_once(tmp_path: Path, sampler: str) -> None:
    """A sampler that likes one region leaves the last questions to the draws at random."""
    budgets = tuple(range(20))
    study = fakes.study(tmp_path, few(*budgets), sampler=sampler)
    with Search(study, few(*budgets), trials=30) as running:
        finish_all(running)
        assert running.complete
        assert running.counts().complete == 20
    specs = [study.spec(trial) for trial in study.trials()]
    assert sorted(spec.relu_budget for spec in specs if spec) == list(budgets)
    told = [trial for trial in remembered(study) if trial.state is TrialState.COMPLETE]
    assert sorted(trial.user_attrs["trial"] for trial in told) == list(range(20))
    assert not [trial for trial in remembered(study) if trial.state is TrialState.RUNNING]


def test_a_study_whose_space_is_asked_out_is_done_and_stays_so_on_resume(tmp_path: Path) -> None:
    study = fakes.study(tmp_path, few(1, 2))
    for _ in range(2):
        with Search(study, few(1, 2), trials=9) as running:
            drive(running, "inline", Work(fakes.FakeRuntime(tmp_path), evaluate=fakes.fast))  # raises nothing
    happened = [event for event in study.events() if event["event"] in ("stopping", "done", "finished")]
    assert [event["event"] for event in happened] == ["finished", "finished", "stopping", "done", "stopping", "done"]
    assert {event["reason"] for event in happened if event["event"] == "stopping"} == {NO_OTHER}


def test_what_an_earlier_driver_asked_is_not_asked_again(tmp_path: Path) -> None:
    study = fakes.study(tmp_path, few(1, 2, 3))
    with Search(study, few(1, 2, 3), trials=2) as running:
        first = finish(running, ask(running)).spec.relu_budget
        waiting = ask(running)
    with Search(study, few(1, 2, 3), trials=9) as running:
        again, last = ask(running), ask(running)
        assert again.trial == waiting.trial
        assert {first, waiting.spec.relu_budget, last.spec.relu_budget} == {1, 2, 3}
        assert running.ask() is None


def test_a_question_drawn_at_random_is_remembered_as_its_trials(tmp_path: Path) -> None:
    space = few(1).model_copy(
        update={"methods": {"random": {"share": 0.5, "rule": "a", "size": IntDomain(low=1, high=9)}}}
    )
    study = fakes.study(tmp_path, space, sampler="qmc")
    with Search(study, space, trials=9) as running:
        finish_all(running)
    for _ in range(2):  # a resume finds nothing to mend
        with Search(study, space, trials=9):
            pass
    told = [trial for trial in remembered(study) if trial.state is TrialState.COMPLETE]
    by_number = {trial.user_attrs["trial"]: trial.params["random.size"] for trial in told}
    specs = {trial: study.spec(trial) for trial in study.trials()}
    assert by_number == {trial: spec.knobs["size"] for trial, spec in specs.items() if spec}
    assert sorted(by_number.values()) == list(range(1, 10))
