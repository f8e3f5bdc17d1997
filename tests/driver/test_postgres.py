"""The sampler's memory in PostgreSQL: several drivers on one study, a server that goes away, and rebuilding."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import optuna
import pytest
import search_fakes as fakes
from optuna.trial import FrozenTrial, TrialState
from postgres_server import PASSWORD, Server
from search_books import ask, finish, finish_all

from frontier.api.rebuild import rebuild
from frontier.driver import company, events, steady
from frontier.driver.drive import drive
from frontier.driver.storage import Storage
from frontier.driver.study import BY_ONE, Search
from frontier.driver.work import Asked, Work
from frontier.errors import BlockedError, InputError
from frontier.frozen import digest
from frontier.results.record import TrialRecord
from frontier.results.store import Study, write_record
from frontier.spaces.domain import ChoiceDomain, CountDomain

TRIALS = 12

# argv: home, total, when to die: "never", or after how many renames of a record. The storage is in the environment.
DRIVER = """
import os, signal, sys
from pathlib import Path
import search_fakes as fakes
from frontier.driver import company
from frontier.driver.drive import drive
from frontier.driver.storage import Storage
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.results.store import Study

home, trials, moment = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
company.LOOK_S = 0.1
if moment != "never":
    rename, left = os.replace, int(moment)

    def dying(source, target, **options):
        global left
        left -= str(target).endswith("record.json")
        rename(source, target, **options)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = dying
storage = Storage.of(os.environ["FRONTIER_STORAGE"])
with Search(Study.open(home, "fake"), fakes.space(), trials=trials, storage=storage) as running:
    drive(running, "inline", Work(fakes.FakeRuntime(home), evaluate=fakes.slow))
"""


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.database()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company, "LOOK_S", 0.0)


def search(study: Study, url: str, trials: int = 10, **options: object) -> Search:
    return Search(study, fakes.space(), trials=trials, storage=Storage.of(url), **options)


def start(study: Study, url: str, moment: str = "never", trials: int = TRIALS) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", DRIVER, str(study.home), str(trials), moment]
    return subprocess.Popen(command, env=os.environ | {"FRONTIER_STORAGE": url})


def theirs(url: str) -> list[FrozenTrial]:
    """The Optuna trials of the one study in the database, as any other program sees them."""
    storage = Storage.of(url).opened()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (name,) = optuna.get_all_study_names(storage)
            return optuna.load_study(study_name=name, storage=storage).trials
    finally:
        storage.engine.dispose()


def assert_whole(study: Study, url: str, trials: int = TRIALS) -> None:
    """All trials complete, each told once, in the events and in the database."""
    records = dict(study.records())
    assert list(records) == list(range(trials))
    assert all(isinstance(record, TrialRecord) and record.state == "complete" for record in records.values())
    told = Counter(event["trial"] for event in study.events() if event["event"] == "finished")
    assert max(told.values()) == 1
    known = theirs(url)
    assert not [trial.user_attrs for trial in known if trial.state in (TrialState.RUNNING, TrialState.WAITING)]
    complete = [trial.user_attrs["trial"] for trial in known if trial.state is TrialState.COMPLETE]
    assert sorted(complete) == list(range(trials))


def assert_same_questions(study: Study, home: Path, trials: int = TRIALS) -> None:
    """What one undisturbed driver with SQLite asks."""
    whole = fakes.study(home)
    with Search(whole, fakes.space(), trials=trials) as running:
        finish_all(running)
    assert [study.spec(trial) for trial in range(trials)] == [whole.spec(trial) for trial in range(trials)]


# the database


def test_others_can_read_it_and_two_homes_do_not_meet(tmp_path: Path, url: str) -> None:
    studies = [fakes.study(tmp_path / "a"), fakes.study(tmp_path / "b", seed=1)]
    for study in studies:
        with search(study, url, trials=3) as running:
            finish_all(running)
    storage = Storage.of(url).opened()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        summaries = optuna.get_all_study_summaries(storage)
        names = [optuna.load_study(study_name=one.study_name, storage=storage).metric_names for one in summaries]
    storage.engine.dispose()
    assert len({one.study_name for one in summaries}) == 2
    assert all(one.study_name.startswith("fake-") and one.n_trials == 3 for one in summaries)
    assert names == [["clean", "corrupted", "adversarial", "log10_relu_count"]] * 2


def test_nothing_of_the_url_is_written_down(study: Study, url: str) -> None:
    seen: list[events.Event] = []
    with search(study, url, trials=3, on_event=seen.append) as running:
        finish_all(running)
    files = [path.read_text(errors="replace") for path in study.folder.rglob("*") if path.is_file()]
    for text in [*files, *(event.model_dump_json() for event in seen)]:
        assert PASSWORD not in text
        assert "postgresql" not in text
    assert not (study.folder / "study.db").exists()


def test_a_wrong_password_is_said_without_it(postgres: Server, url: str) -> None:
    with pytest.raises(BlockedError, match="password authentication failed") as caught:
        Storage.of(url.replace(PASSWORD, "guessed-wrongly")).check()
    assert "guessed-wrongly" not in str(caught.value)


# several drivers


def test_drivers_learn_what_the_others_have_finished(study: Study, url: str) -> None:
    seen: list[events.Event] = []
    with search(study, url, trials=5) as one, search(study, url, trials=5, on_event=seen.append) as other:
        first, second = ask(one), ask(other)
        assert (first.trial, second.trial) == (0, 1)
        finish(one, first)
        finish(other, second)
        third = ask(other)
        assert other.counts().complete == 2
        assert [event.trial for event in seen if isinstance(event, events.Finished)] == [1, 0]
        finish_all(one)
        assert not one.complete
        finish(other, third)
        assert other.ask() is None
        assert not one.wait()
        assert one.complete
        assert other.complete
        assert (one.front(), one.hypervolume()) == (other.front(), other.hypervolume())
    assert_whole(study, url, 5)


def test_a_living_drivers_trials_are_left_to_it(study: Study, url: str) -> None:
    with search(study, url) as one:
        first = ask(one)
        untold = ask(one)
        write_record(untold.folder, fakes.complete(untold.trial, untold.spec, 500))
        (one.study.folder / "cancel").touch()
        with search(study, url) as other:
            assert other.stopped == "cancelled"
            assert other.counts().unfinished == 1
            (one.study.folder / "cancel").unlink()
        finish(one, first)
        one.collect(untold.trial)
    told = Counter((trial.user_attrs["trial"], trial.user_attrs.get("point", 0)) for trial in theirs(url))
    assert told == {(0, 0): 1, (1, 0): 1, (1, 1): 1}
    assert all(trial.state is TrialState.COMPLETE for trial in theirs(url))


def test_a_driver_that_was_taken_for_dead_gives_its_trial_up(
    study: Study, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[events.Event] = []
    with search(study, url, trials=1, on_event=seen.append) as one:
        asked = ask(one)
        (mark,) = asked.folder.glob("driver-*")
        name = mark.name.removeprefix("driver-")
        with search(study, url, trials=1) as other:
            assert other.ask() is None
            monkeypatch.setattr(company, "lives", lambda folder, driver: driver != name)
            again = ask(other)
            assert (again.trial, again.spec) == (asked.trial, asked.spec)
            finish(other, again)
        finish(one, asked)
        assert [event.message for event in seen if isinstance(event, events.Warned)] == ["is another driver's by now"]
    assert_whole(study, url, 1)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_of_two_drivers_started_at_once_one_is_killed_and_the_other_ends_the_study(
    tmp_path: Path, url: str, sampler: str
) -> None:
    study = fakes.study(tmp_path / "shared", sampler=sampler)
    doomed, other = start(study, url, "2"), start(study, url)
    assert doomed.wait(timeout=120) == -signal.SIGKILL
    kept = {trial for trial in study.trials() if study.finished(trial)}
    assert other.wait(timeout=120) == 0
    assert kept <= {trial for trial in study.trials() if study.finished(trial)}
    assert_whole(study, url)
    if sampler == "random":
        assert_same_questions(study, tmp_path / "alone")


@pytest.mark.slow
def test_both_drivers_killed_and_two_more_started_lose_and_repeat_nothing(tmp_path: Path, url: str) -> None:
    study = fakes.study(tmp_path / "shared")
    for driver in [start(study, url, "3"), start(study, url, "2")]:
        assert driver.wait(timeout=120) == -signal.SIGKILL
    kept = {
        trial: (study.trial_folder(trial) / "record.json").read_bytes()
        for trial in study.trials()
        if study.finished(trial)
    }
    assert len(kept) == 5
    for driver in [start(study, url), start(study, url)]:
        assert driver.wait(timeout=120) == 0
    assert all((study.trial_folder(trial) / "record.json").read_bytes() == text for trial, text in kept.items())
    assert_whole(study, url)
    assert_same_questions(study, tmp_path / "alone")


def test_a_driver_killed_while_it_asks_leaves_no_number_behind(study: Study, url: str) -> None:
    with search(study, url, trials=3) as one:
        with search(study, url, trials=3) as other:
            asked = ask(other)
        (asked.folder / "spec.json").unlink()  # as if it had died before
        again = ask(one)
        assert again.trial == asked.trial
        assert again.spec == asked.spec
        finish(one, again)
        finish_all(one)
        assert one.complete
    assert_whole(study, url, 3)


def test_what_a_driver_left_that_died_during_our_last_trial_is_handed_out(study: Study, url: str) -> None:
    with search(study, url, trials=2) as one:
        with search(study, url, trials=2) as other:
            left, last = ask(other), ask(one)
            assert one.ask() is None  # Ray asks no more after that
        finish(one, last)
        assert one.wait()
        again = ask(one)
        assert (again.trial, again.spec) == (left.trial, left.spec)
        finish(one, again)
        assert not one.wait()
        assert one.complete
    assert_whole(study, url, 2)


def unseen(one: Search, other: Search, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The other's trial: the last number, which the one does not get and has not seen go."""
    finish(one, ask(one))
    last = ask(other)
    with monkeypatch.context() as soon:
        soon.setattr(company.Company, "due", lambda self: False)
        assert one.ask() is None
    assert not one.complete
    return last


def test_who_gets_no_number_waits_for_one_that_another_took_since_the_last_look(
    study: Study, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with search(study, url, trials=2) as one, search(study, url, trials=2) as other:
        last = unseen(one, other, monkeypatch)
        monkeypatch.setattr(company.Company, "pause", lambda self: finish(other, last))
        assert not one.wait()
        assert one.complete
    assert_whole(study, url, 2)


def test_a_number_that_is_given_back_while_nobody_looks_is_asked_again(
    study: Study, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with search(study, url, trials=2) as one, search(study, url, trials=2) as other:
        last = unseen(one, other, monkeypatch)
        shutil.rmtree(last.folder)
        assert one.wait()
        finish_all(one)
        assert one.complete


def test_a_number_that_another_gave_back_and_we_took_is_not_waited_for(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = fakes.study(tmp_path / "shared", sampler="gp")  # it claims the number after the one that it hands out
    with search(study, url, trials=3) as one:
        with search(study, url, trials=3) as other:
            theirs, ours = ask(other), ask(one)
            finish(one, ours)  # and sees what the other holds
            finish(other, theirs)
            with monkeypatch.context() as soon:
                soon.setattr(company.Company, "due", lambda self: False)
                other.stop("terminated")
                other.collect_all()  # gives it back
                last = ask(one)
        finish(one, last)
        finish_all(one)
        assert not one.wait()
        assert one.complete
        assert one.counts().complete == 3
    assert_whole(study, url, 3)


def test_a_driver_begins_while_another_gives_a_number_back(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, finished = fakes.study(tmp_path / "shared", sampler="gp"), Study.finished
    with search(study, url, trials=4) as one:
        assert ask(one).trial == 0
        ahead = set(study.trials()) - {0}
        assert ahead

        def given_back(self: Study, trial: int) -> bool:
            if trial in ahead:
                ahead.clear()
                one.stop("terminated")
                one.collect_all()
            return finished(self, trial)

        monkeypatch.setattr(Study, "finished", given_back)
        with search(study, url, trials=4) as other:
            assert not ahead
            assert study.trials() == [0]
            assert other.counts().unfinished == 1


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_two_drivers_that_do_not_see_each_other_ask_no_question_twice(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, sampler: str
) -> None:
    fine = fakes.space(())
    few = fine.model_copy(
        update={
            "methods": {"random": {"rule": ChoiceDomain(options=("a", "b", "c")), "share": 0.5}},
            "finetune": fine.finetune | {"lr": 0.1},
            "relu_budget": CountDomain(low=0, high=9),
        }
    )
    study = fakes.study(tmp_path / "shared", few, sampler=sampler)
    monkeypatch.setattr(company.Company, "due", lambda self: False)
    with ExitStack() as stack:
        both = [stack.enter_context(Search(study, few, trials=24, storage=Storage.of(url))) for _ in range(2)]
        for running in 12 * both:
            finish(running, ask(running))
    specs = [study.spec(trial) for trial in range(24)]
    assert len({digest(spec.model_dump(mode="json", exclude={"seed"})) for spec in specs if spec}) == 24


def test_a_driver_beside_others_says_that_it_makes_no_replicates(study: Study, url: str) -> None:
    with search(study, url, trials=2) as running:
        finish_all(running)
    seen: list[events.Event] = []
    with search(study, url, trials=2), search(study, url, trials=2, replicate=1, on_event=seen.append) as beside:
        assert beside.ask() is None
    assert [event.message for event in seen if isinstance(event, events.Warned)] == [BY_ONE]
    assert study.trials() == [0, 1]


def test_a_replicate_that_a_dead_driver_had_only_claimed_is_no_trial(study: Study, url: str) -> None:
    with search(study, url, trials=1) as running:
        finish_all(running)
    with ExitStack() as stack:
        other = stack.enter_context(search(study, url, trials=1, replicate=1))
        with search(study, url, trials=1) as one:
            (ask(other).folder / "spec.json").unlink()  # as if it had died before
            stack.close()
            assert one.ask() is None
            assert one.complete
            assert study.trials() == [0]


# a server that goes away


@pytest.fixture
def restarted(postgres: Server) -> Iterator[threading.Thread]:
    """Stops the server now and starts it again a second after the thread was started."""

    def later() -> None:
        time.sleep(1)
        postgres.start()

    thread = threading.Thread(target=later)
    yield thread
    if thread.ident is not None:
        thread.join()


@pytest.mark.parametrize("while_", ["asking", "telling"])
def test_a_search_goes_on_when_the_server_was_stopped_and_started(
    tmp_path: Path, postgres: Server, url: str, restarted: threading.Thread, while_: str
) -> None:
    study = fakes.study(tmp_path / "shared")
    seen: list[events.Event] = []
    with search(study, url, trials=6, on_event=seen.append) as running:
        for _ in range(2):
            finish(running, ask(running))
        asked = ask(running)
        if while_ == "asking":
            finish(running, asked)
        postgres.stop()
        restarted.start()
        if while_ == "telling":
            finish(running, asked)
        finish_all(running)
        assert running.complete
    (warning,) = [event.message for event in seen if isinstance(event, events.Warned)]
    assert "does not answer" in warning
    assert PASSWORD not in warning
    assert_whole(study, url, 6)
    assert_same_questions(study, tmp_path / "alone", 6)


def test_a_server_that_stays_away_ends_the_search_and_loses_nothing(
    study: Study, postgres: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady, "PATIENCE_S", 0.2)
    stopped = []

    def stopping(spec: object, folder: Path, runtime: object, *, trial: int | None = None) -> TrialRecord:
        if trial == 2:
            postgres.stop()
            stopped.append(trial)
        return fakes.fast(spec, folder, runtime, trial=trial)

    work = Work(fakes.FakeRuntime(study.home), evaluate=stopping)
    try:
        with (
            search(study, url, trials=6) as running,
            pytest.raises(BlockedError, match="go on with --resume") as caught,
        ):
            drive(running, "inline", work)
    finally:
        if stopped:
            postgres.start()
    assert PASSWORD not in str(caught.value)
    assert [trial for trial in study.trials() if study.finished(trial)] == [0, 1, 2]
    with search(study, url, trials=6) as running:
        finish_all(running)
    assert_whole(study, url, 6)


# rebuilding


def test_a_study_is_rebuilt_in_either_database(study: Study, url: str) -> None:
    with search(study, url, trials=4) as running:
        for extra in (500, 50, 5):
            finish(running, ask(running), extra)
        ask(running)
        with pytest.raises(InputError, match="drivers are working on this study"):
            rebuild("fake", home=study.home, storage=url)
    before = [(trial.user_attrs, trial.params, trial.values) for trial in theirs(url) if trial.values]
    for storage in (url, None):
        made = rebuild("fake", home=study.home, storage=storage)
        assert made.counts == {"complete": 3, "pruned": 0, "failed": 0, "unfinished": 1, "unreadable": 0}
        assert (made.trials, made.extras) == (4, 3)
        assert made.before == ((4, 3) if storage else None)
        assert PASSWORD not in made.memory
    after = [(trial.user_attrs, trial.params, trial.values) for trial in theirs(url) if trial.values]
    assert sorted(after, key=str) == sorted(before, key=str)
    with search(study, url, trials=4) as running:
        finish_all(running)
    assert Counter(trial.state for trial in theirs(url)) == {TrialState.COMPLETE: 7}
