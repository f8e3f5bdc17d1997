"""The books of a study: what is handed out, what is told, who may drive it, what the events say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import search_fakes as fakes
from optuna.trial import TrialState
from search_books import ask, finish, finish_all, remembered, search

from frontier.driver import events
from frontier.driver.study import Search
from frontier.errors import InputError
from frontier.results.objectives import RELU_COUNT
from frontier.results.store import Study
from frontier.spaces.goals import FOUR


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path)


# handing out


def test_a_trial_is_on_disk_before_it_is_handed_out(study: Study) -> None:
    with search(study) as running:
        asked = ask(running)
        assert study.spec(asked.trial) == asked.spec
        assert asked.folder == study.trial_folder(0)


def test_the_anchors_are_asked_first(study: Study) -> None:
    with search(study) as running:
        assert [ask(running).spec.relu_budget for _ in range(3)][:2] == [0, fakes.RELUS]


def test_nothing_is_handed_out_beyond_the_total(study: Study) -> None:
    with search(study, trials=3) as running:
        asked = [ask(running) for _ in range(3)]
        assert running.ask() is None
        assert not running.complete
        for each in asked:
            finish(running, each)
        assert running.ask() is None
        assert running.complete


def test_seeds_differ_between_trials_and_repeat_with_the_study(tmp_path: Path) -> None:
    seeds = []
    for home in ("a", "b"):
        with search(fakes.study(tmp_path / home)) as running:
            seeds.append([ask(running).spec.seed for _ in range(5)])
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 5
    assert all(0 <= seed < 2**31 for seed in seeds[0])


def test_a_study_is_not_resumed_with_another_question(study: Study) -> None:
    other = fakes.space().model_copy(update={"relu_budget": 7, "anchors": ()})
    with pytest.raises(InputError, match="another question"):
        Search(study, other, trials=3)


# telling


def test_the_sampler_is_told_accuracies_and_the_logarithm_of_the_count(study: Study) -> None:
    with search(study) as running:
        for _ in range(2):
            record = finish(running, ask(running))
    zero, full = remembered(study)
    assert zero.values[3] == 0.0 == RELU_COUNT.told(0)
    assert full.values == [*FOUR.values(record.points[0])[:3], 3.0]


def test_failed_is_fail_and_pruned_is_pruned_without_values(study: Study) -> None:
    with search(study) as running:
        for state in ("failed", "pruned"):
            asked = ask(running)
            running.tell(asked.trial, fakes.unsuccessful(asked.trial, asked.spec, state))
        counts = running.counts()
    assert (counts.failed, counts.pruned, counts.complete) == (1, 1, 0)
    assert [trial.state for trial in remembered(study)] == [TrialState.FAIL, TrialState.PRUNED]
    assert all(trial.values is None for trial in remembered(study))


def test_nan_is_never_told(study: Study) -> None:
    with search(study) as running:
        asked = ask(running)
        record = fakes.complete(asked.trial, asked.spec)
        scores = record.points[0].validation
        torn = scores.model_copy(update={"clean": scores.clean.model_copy(update={"value": float("nan")})})
        lying = record.model_copy(update={"points": (record.points[0].model_copy(update={"validation": torn}),)})
        with pytest.raises(ValueError, match="nan"):
            running.tell(asked.trial, lying)
        assert running.counts().complete == 0
        assert running.front() == ()
    assert remembered(study)[0].state is TrialState.RUNNING


def test_told_twice_counts_once(study: Study) -> None:
    with search(study) as running:
        asked = ask(running)
        record = finish(running, asked, 5)
        running.tell(asked.trial, record)
        running.collect(asked.trial)
        assert running.counts().complete == 1
    assert len(remembered(study)) == 2


def test_extra_points_are_told_marked_and_never_counted(study: Study) -> None:
    with search(study, trials=3) as running:
        for _ in range(3):
            finish(running, ask(running), 500, 50)
        assert running.ask() is None
        assert running.counts().complete == 3
        assert any("." in address for address in running.front())
    extras = [trial for trial in remembered(study) if trial.user_attrs.get("extra")]
    assert [(trial.user_attrs["trial"], trial.user_attrs["point"]) for trial in extras] == [
        (trial, point) for trial in range(3) for point in (1, 2)
    ]
    assert [trial.params["relu_budget+1"] for trial in extras[:2]] == [501, 51]
    assert all(trial.state is TrialState.COMPLETE for trial in extras)


def test_ten_failures_in_a_row_stop_the_study(study: Study) -> None:
    with search(study, trials=50) as running:
        for _ in range(10):
            asked = ask(running)
            running.tell(asked.trial, fakes.unsuccessful(asked.trial, asked.spec, "failed"))
        assert running.ask() is None
        assert running.too_many_failures


def test_a_cancel_file_stops_the_handing_out_once(study: Study) -> None:
    with search(study) as running:
        finish(running, ask(running))
        (study.folder / "cancel").touch()
        assert running.ask() is None
        assert running.stopped == "cancelled"
    with search(study) as running:
        assert running.ask() is not None


# one driver


def test_a_second_driver_is_refused_and_told_who_holds_the_study(study: Study) -> None:
    second = (
        "import sys, search_fakes as fakes\n"
        "from pathlib import Path\n"
        "from frontier.errors import InputError\n"
        "from frontier.results.store import Study\n"
        "from frontier.driver.study import Search\n"
        "try:\n"
        "    Search(Study.open(Path(sys.argv[1]), 'fake'), fakes.space(), trials=1).__enter__()\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    with search(study):
        said = subprocess.run(
            [sys.executable, "-c", second, str(study.home)], capture_output=True, text=True, check=True
        ).stdout
    assert f"process {os.getpid()} is working on this study" in said
    with search(study):
        pass


# events


def test_events_are_on_disk_and_read_back_as_what_they_were(study: Study) -> None:
    from pydantic import TypeAdapter

    seen: list[events.Event] = []
    with search(study, trials=2, on_event=seen.append) as running:
        finish_all(running)
        running.finish()
    adapter: TypeAdapter[events.Event] = TypeAdapter(events.Event)
    assert [adapter.validate_python(event) for event in study.events()] == seen
    names = [event.event for event in seen]
    assert names == ["started", "asked", "finished", "front", "asked", "finished", "front", "done"]
