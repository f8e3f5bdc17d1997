"""What a resume makes of what a crash left: records are the truth, the database follows them."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import optuna
import pytest
import search_fakes as fakes
from optuna.trial import TrialState
from search_books import ask, by_number, finish, finish_all, remembered, search

from frontier.driver import events, sqlite
from frontier.driver.database import STUDY
from frontier.results.record import TrialRecord
from frontier.results.store import Study, write_record
from frontier.spaces.goals import FOUR


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path)


def test_the_total_holds_on_resume(study: Study) -> None:
    with search(study, trials=4) as running:
        finish_all(running)
    with search(study, trials=4) as running:
        assert running.ask() is None
    with search(study, trials=6) as running:
        assert [ask(running).trial for _ in range(2)] == [4, 5]
        assert running.ask() is None


def test_a_resumed_study_asks_what_an_undisturbed_one_asks(tmp_path: Path) -> None:
    whole, halves = fakes.study(tmp_path / "whole"), fakes.study(tmp_path / "halves")
    with search(whole, trials=8) as running:
        finish_all(running)
    for total in (3, 8):
        with search(halves, trials=total) as running:
            finish_all(running)
    assert [whole.spec(trial) for trial in range(8)] == [halves.spec(trial) for trial in range(8)]


def test_unfinished_trials_are_handed_out_again_first_under_their_numbers(study: Study) -> None:
    with search(study) as running:
        asked = [ask(running) for _ in range(4)]
        finish(running, asked[1])
    with search(study) as running:
        again = [ask(running) for _ in range(4)]
    assert [each.trial for each in again] == [0, 2, 3, 4]
    assert [each.spec for each in again[:3]] == [asked[0].spec, asked[2].spec, asked[3].spec]
    assert list(by_number(study)) == [0, 1, 2, 3, 4]


def test_a_record_that_nobody_was_told_of_is_told_on_resume(study: Study) -> None:
    with search(study) as running:
        asked = ask(running)
        write_record(asked.folder, fakes.complete(asked.trial, asked.spec, 500))
    with search(study) as running:
        assert running.counts().complete == 1
        assert ask(running).trial == 1
    assert [trial.state for trial in remembered(study)][:2] == [TrialState.COMPLETE] * 2


def test_an_extra_point_that_was_not_told_is_added_on_resume_once(study: Study) -> None:
    with search(study) as running:
        asked = ask(running)
        running.tell(asked.trial, fakes.complete(asked.trial, asked.spec))
        write_record(asked.folder, fakes.complete(asked.trial, asked.spec, 500))
    for _ in range(2):
        with search(study):
            pass
    assert [trial.user_attrs.get("point") for trial in remembered(study)] == [None, 1]


def test_a_claimed_folder_without_a_spec_is_removed_and_its_optuna_trial_fails(study: Study) -> None:
    with search(study) as running:
        finish(running, ask(running))
        asked = ask(running)
    (asked.folder / "spec.json").unlink()
    with search(study) as running:
        assert not asked.folder.exists()
        assert running.counts().unfinished == 0
        finish(running, ask(running))
    assert [trial.state for trial in remembered(study)] == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]


def test_an_optuna_trial_that_was_never_numbered_fails_on_resume(study: Study) -> None:
    with search(study):
        pass
    optuna.load_study(study_name=STUDY, storage=f"sqlite:///{study.folder / 'study.db'}").ask()
    with search(study):
        pass
    assert [trial.state for trial in remembered(study)] == [TrialState.FAIL]


@pytest.mark.parametrize("damage", ["deleted", "torn", "nonsense", "empty"])
def test_a_lost_database_is_rebuilt_from_the_records(study: Study, damage: str) -> None:
    with search(study) as running:
        for extra in (500, 50, 5):
            finish(running, ask(running), extra)
        asked = ask(running)
        running.tell(asked.trial, fakes.unsuccessful(asked.trial, asked.spec, "failed"))
        write_record(asked.folder, fakes.unsuccessful(asked.trial, asked.spec, "failed"))
        ask(running)
        front, volume = running.front(), running.hypervolume()
    before = by_number(study)
    database = study.folder / "study.db"
    match damage:
        case "deleted":
            database.unlink()
        case "torn":
            database.write_bytes(database.read_bytes()[:5000])
        case "nonsense":
            database.write_bytes(b"not a database, but long enough to look at" * 100)
        case "empty":
            database.write_bytes(b"")
    with search(study) as running:
        assert (running.front(), running.hypervolume()) == (front, volume)
        assert ask(running).trial == 4
        assert ask(running).trial == 5
    after = by_number(study)
    assert after.pop(5) is TrialState.RUNNING
    assert after == before
    assert sum("extra" in trial.user_attrs for trial in remembered(study)) == 3


def test_a_database_that_another_program_keeps_locked_ends_the_search_and_loses_nothing(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WAIT_S", 0.1)
    with search(study, trials=3) as running:
        asked = ask(running)
        with contextlib.closing(sqlite3.connect(study.folder / "study.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            finish(running, asked)
            assert running.ask() is None
            running.collect_all()
        assert "another program keeps" in str(running.blocked)
    with search(study, trials=3) as running:
        finish_all(running)
        assert running.counts().complete == 3


def test_a_result_that_no_record_has_makes_the_database_start_over(study: Study) -> None:
    with search(study) as running:
        for _ in range(3):
            asked = ask(running)
            finish(running, asked)
    (asked.folder / "record.json").unlink()
    seen: list[events.Event] = []
    with search(study, on_event=seen.append) as running:
        assert ask(running).trial == asked.trial
    assert [trial.state for trial in remembered(study)] == [TrialState.COMPLETE] * 2 + [TrialState.RUNNING]
    assert any(isinstance(event, events.Warned) and "no record" in event.message for event in seen)


def test_a_rebuilt_database_holds_the_same_parameters_and_values(study: Study) -> None:
    with search(study) as running:
        finish_all(running)
    before = {trial.user_attrs["trial"]: (trial.params, trial.values) for trial in remembered(study)}
    (study.folder / "study.db").unlink()
    with search(study):
        pass
    assert {trial.user_attrs["trial"]: (trial.params, trial.values) for trial in remembered(study)} == before


def test_the_resumed_event_says_where_the_study_stands(study: Study) -> None:
    with search(study, trials=4) as running:
        for _ in range(3):
            finish(running, ask(running))
        ask(running)
        front, volume = running.front(), running.hypervolume()
    seen: list[events.Event] = []
    with search(study, trials=4, on_event=seen.append):
        pass
    (resumed,) = [event for event in seen if isinstance(event, events.Resumed)]
    assert front
    assert (resumed.front, resumed.hypervolume, resumed.again) == (front, volume, (3,))
    assert (resumed.counts.complete, resumed.counts.unfinished) == (3, 1)


def test_an_unreadable_record_is_kept_aside_and_reported(study: Study) -> None:
    with search(study, trials=3) as running:
        finish(running, ask(running))
        asked = ask(running)
    (asked.folder / "record.json").write_text('{"version": 1, "tri')
    seen: list[events.Event] = []
    with search(study, trials=3, on_event=seen.append) as running:
        counts = running.counts()
        assert (counts.complete, counts.unreadable, counts.unfinished) == (1, 1, 0)
        assert ask(running).trial == 2
        assert running.ask() is None
    assert [event.trial for event in seen if isinstance(event, events.Warned)] == [asked.trial]
    assert (asked.folder / "record.json").read_text() == '{"version": 1, "tri'


def test_without_a_database_a_resume_goes_on_all_the_same(study: Study) -> None:
    with search(study, trials=4, database=False) as running:
        finish_all(running)
    with search(study, trials=6, database=False) as running:
        assert running.counts().complete == 4
        finish_all(running)
        assert running.complete
    assert not (study.folder / "study.db").exists()


def test_front_and_hypervolume_are_those_of_all_records(study: Study) -> None:

    with search(study, trials=12) as running:
        finish_all(running)
        all_values = [FOUR.values(record.points[0]) for _, record in study.records() if isinstance(record, TrialRecord)]
        assert running.front() == tuple(str(trial) for trial in FOUR.front(all_values))
        assert running.hypervolume() == pytest.approx(FOUR.hypervolume(all_values, fakes.RELUS))
