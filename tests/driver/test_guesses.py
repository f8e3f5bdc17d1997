"""Guesses are asked first, each once, also by another driver after a crash, and the anchors after them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import search_fakes as fakes
from search_books import ask, finish, finish_all, remembered, search

from frontier.driver import events, guesses
from frontier.driver.guesses import Guess
from frontier.errors import RecordError
from frontier.objects import Unreachable
from frontier.results.store import Study

WHOLE = Guess(
    values={"method": "random", "relu_budget": 70, "random.rule": "b", "random.share": 0.25, "finetune.lr": 0.5},
    source="mine.yaml:1",
)
PARTIAL = Guess(values={"method": "snl", "relu_budget": 300}, source="mine.yaml:2")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path)


def test_guesses_come_first_then_the_anchors_then_the_sampler(study: Study) -> None:
    with search(study, guesses=[WHOLE, PARTIAL]) as running:
        specs = [ask(running).spec for _ in range(5)]
    assert [spec.relu_budget for spec in specs[:4]] == [70, 300, 0, fakes.RELUS]
    assert specs[0].knobs == {"share": 0.25, "rule": "b"}
    assert (specs[0].method, specs[0].finetune.lr) == ("random", 0.5)
    assert specs[1].method == "snl"  # the rest of it is the sampler's
    assert len({spec.seed for spec in specs}) == 5


def test_the_sampler_learns_from_a_guess_as_from_its_own(study: Study) -> None:
    with search(study, guesses=[WHOLE]) as running:
        record = finish(running, ask(running))
    (told,) = remembered(study)
    assert told.params["relu_budget+1"] == 71
    assert told.values[0] == record.points[0].validation.clean.value


@pytest.mark.parametrize("sampler", ["random", "qmc", "tpe", "gp", "nsga2"])
def test_every_sampler_keeps_to_a_guess(tmp_path: Path, sampler: str) -> None:
    study = fakes.study(tmp_path, sampler=sampler)
    with search(study, trials=14) as running:
        finish_all(running)
    with search(study, trials=16, guesses=[WHOLE, PARTIAL]) as running:
        assert [ask(running).spec.relu_budget for _ in range(2)] == [70, 300]


def test_a_resume_hands_out_the_rest_each_once(study: Study) -> None:
    with search(study, guesses=[WHOLE, PARTIAL]) as running:
        first = ask(running)
    with search(study, guesses=[PARTIAL]) as running:  # told again: the same guess
        assert ask(running).spec == first.spec  # left unfinished
        assert ask(running).spec.relu_budget == 300
        assert ask(running).spec.relu_budget == 0
        finish_all(running)
    asked = [study.spec(trial).relu_budget for trial in study.trials()]
    assert (asked.count(70), asked.count(300)) == (1, 1)


def test_a_guess_whose_trial_was_never_handed_out_is_handed_out_again(study: Study) -> None:
    with search(study, guesses=[WHOLE]) as running:
        asked = ask(running)
    (asked.folder / "spec.json").unlink()  # killed between the mark and the spec
    with search(study) as running:
        assert ask(running).spec.relu_budget == 70
    assert json.loads((study.trial_folder(0) / "guess.json").read_text())["source"] == "mine.yaml:1"


def test_a_guess_that_was_asked_already_is_left_out(study: Study) -> None:
    with search(study, guesses=[WHOLE]) as running:
        finish(running, ask(running))
    (study.folder / "guesses.json").unlink()
    (study.trial_folder(0) / "guess.json").unlink()
    with search(study, guesses=[WHOLE, PARTIAL]) as running:
        assert ask(running).spec.relu_budget == 300


def test_guesses_beyond_the_total_wait_and_that_is_said(study: Study) -> None:
    heard: list[events.Event] = []
    with search(study, trials=1, guesses=[WHOLE, PARTIAL], on_event=heard.append) as running:
        finish_all(running)
        assert running.complete
    assert [event.message for event in heard if event.event == "warning"] == [
        "1 guesses wait: raise the total with --trials"
    ]
    with search(study, trials=2) as running:
        assert ask(running).spec.relu_budget == 300


def test_the_points_of_random_do_not_move_for_a_guess(tmp_path: Path) -> None:
    plain, guessed = fakes.study(tmp_path / "a"), fakes.study(tmp_path / "b")
    with search(plain) as running:
        without = [ask(running).spec for _ in range(6)]
    with search(guessed, guesses=[WHOLE]) as running:
        specs = [ask(running).spec for _ in range(6)]
    assert specs[3:] == without[3:]


def test_a_list_of_guesses_that_cannot_be_read_is_named(study: Study) -> None:
    (study.folder / "guesses.json").write_text("{")
    with pytest.raises(RecordError, match=r"guesses\.json"), search(study):
        pass


def test_a_guess_that_cannot_be_marked_at_the_homes_url_ends_the_search(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    with search(study, guesses=[WHOLE]) as running:

        def away(path: Path) -> None:
            raise Unreachable("the store does not answer")

        monkeypatch.setattr(guesses, "publish", away)
        with pytest.raises(Unreachable):
            running.ask()
