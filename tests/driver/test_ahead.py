"""A slow sampler is asked ahead: nobody waits for it, it hears everything in order, and a stop leaves no trace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import search_fakes as fakes
from optuna.trial import TrialState
from search_books import ask, finish, finish_all, remembered, search

from frontier import registry
from frontier.driver import events
from frontier.driver.ahead import Sampling
from frontier.driver.samplers import gp, hybrid, random, tpe
from frontier.driver.study import Search
from frontier.results.store import Study

WAIT_S = 30.0


class Slow:
    """A sampler that answers when it may, and notes what it was asked and what had been told by then."""

    def __init__(self) -> None:
        self.may, self.asked = threading.Event(), threading.Event()
        self.may.set()
        self.numbers: list[int] = []

    def build(self, draw: Any) -> Any:
        self.numbers.append(draw.trial)
        self.asked.set()
        assert self.may.wait(WAIT_S)
        return self._build(draw)

    _build = staticmethod(random.build)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    sampler = Slow()
    monkeypatch.setattr(random, "build", sampler.build)
    monkeypatch.setattr(random, "AHEAD", range(1000), raising=False)
    yield sampler
    sampler.may.set()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path)


def hold(running: Search, slow: Slow) -> None:
    """What is being asked is answered, and from then on the sampler stands still."""
    rest(running)
    slow.asked.clear()
    slow.may.clear()


def rest(running: Search) -> None:
    """Waits until nothing is being asked."""
    while not running.ready:
        time.sleep(0.01)


def test_the_slow_samplers_are_asked_ahead_and_the_others_are_not() -> None:
    ahead = {name: getattr(registry.load("sampler", name), "AHEAD", range(0)) for name in registry.names("sampler")}
    assert 10**6 in ahead.pop("gp")
    assert ahead.pop("hybrid") == range(hybrid.BY_GP)
    assert not any(ahead.values())


def test_a_search_with_more_trials_than_its_sampler_is_meant_for_says_so(tmp_path: Path) -> None:
    study, said = fakes.study(tmp_path, sampler="gp"), []
    for trials in (gp.UP_TO, gp.UP_TO + 1):
        with search(study, trials=trials, on_event=said.append):
            pass
    warned = [event.message for event in said if isinstance(event, events.Warned)]
    assert len(warned) == 1
    assert warned[0].startswith("sampler gp: a question takes half a minute by trial 120")


def test_a_result_is_told_while_the_sampler_thinks(study: Study, slow: Slow) -> None:
    with search(study) as running:
        ask(running)
        hold(running, slow)
        second = ask(running)  # was asked ahead
        assert slow.asked.wait(WAIT_S)  # the third is being asked
        finish(running, second)
        assert running.counts().complete == 1
        assert not running.ready
        slow.may.set()
        assert ask(running).trial == 2
    assert {trial.user_attrs["trial"]: trial.state for trial in remembered(study)}[1] is TrialState.COMPLETE


def test_what_was_told_meanwhile_is_known_to_the_question_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[int, int] = {}

    def build(draw: Any) -> Any:
        known[draw.trial] = sum(trial.state is TrialState.COMPLETE for trial in remembered(study))
        return random.build(draw)

    monkeypatch.setattr(tpe, "build", build)
    monkeypatch.setattr(tpe, "AHEAD", range(1000), raising=False)
    study = fakes.study(tmp_path, sampler="tpe")
    with search(study, trials=6) as running:
        finish_all(running)
    assert known == {0: 0, 1: 0, 2: 1, 3: 2, 4: 3, 5: 4}  # one trial at a time: each lacks the result just before it


def test_one_trial_at_a_time_gives_the_same_sequence_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpe, "AHEAD", range(1000), raising=False)
    specs = []
    for home in ("a", "b"):
        study = fakes.study(tmp_path / home, sampler="tpe")
        with search(study, trials=25) as running:
            finish_all(running)
        specs.append([study.spec(trial) for trial in range(25)])
    assert specs[0] == specs[1]


def test_a_stop_leaves_nothing_of_what_was_asked_ahead(study: Study, slow: Slow) -> None:
    with search(study) as running:
        finish(running, ask(running))
        rest(running)
        running.stop("interrupted")
        assert running.ask() is None
    assert study.trials() == [0]
    states = [(trial.user_attrs["trial"], trial.state) for trial in remembered(study)]
    assert states == [(0, TrialState.COMPLETE), (1, TrialState.FAIL)]
    with search(study) as running:
        assert ask(running).trial == 1


def test_nothing_is_asked_ahead_beyond_the_total(study: Study, slow: Slow) -> None:
    with search(study, trials=3) as running:
        finish_all(running)
        assert running.complete
    assert slow.numbers == [0, 1, 2]
    assert len(remembered(study)) == 3


def test_a_killed_driver_leaves_a_number_that_the_next_one_gives_out(
    study: Study, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a crash leaves of a question asked ahead: a folder without a spec, and a trial of Optuna's that runs."""
    with monkeypatch.context() as crash:
        crash.setattr(Sampling, "withdraw", lambda self: None)
        with search(study) as running:
            finish(running, ask(running))
            rest(running)
            running.collect_all()
    assert study.trials() == [0, 1]
    with search(study, trials=2) as running:
        assert running.counts().unfinished == 0
        assert ask(running).trial == 1
    states = [(trial.user_attrs["trial"], trial.state) for trial in remembered(study)]
    assert states == [(0, TrialState.COMPLETE), (1, TrialState.FAIL), (1, TrialState.RUNNING)]


@pytest.mark.parametrize("ahead", [True, False])
def test_a_stop_while_a_question_is_asked_hands_out_nothing(
    study: Study, monkeypatch: pytest.MonkeyPatch, ahead: bool
) -> None:
    def build(draw: Any) -> Any:
        if draw.trial == 1:
            running.stop("terminated")
        return Slow._build(draw)

    monkeypatch.setattr(random, "build", build)
    if ahead:
        monkeypatch.setattr(random, "AHEAD", range(1, 1000), raising=False)
    with search(study) as running:
        finish(running, ask(running))
        assert running.ask() is None
        running.collect_all()
        assert running.counts().unfinished == 0
    assert study.trials() == [0]
    assert [trial.state for trial in remembered(study)] == [TrialState.COMPLETE, TrialState.FAIL]


def test_what_goes_wrong_in_the_samplers_thread_comes_out_of_the_search(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(draw: Any) -> Any:
        if draw.trial == 1:
            raise ZeroDivisionError("a defect of the sampler")
        return Slow._build(draw)

    monkeypatch.setattr(random, "build", build)
    monkeypatch.setattr(random, "AHEAD", range(1000), raising=False)
    with search(study) as running:
        finish(running, ask(running))
        with pytest.raises(ZeroDivisionError, match="a defect of the sampler"):
            running.ask()
    assert study.record(0).state == "complete"


def test_gp_asks_ahead_and_lacks_one_result(tmp_path: Path) -> None:
    study = fakes.study(tmp_path, sampler="gp")
    assert gp.AHEAD
    with search(study, trials=12) as running:
        finish_all(running)
        assert running.complete
    assert [trial.state for trial in remembered(study)] == [TrialState.COMPLETE] * 12
