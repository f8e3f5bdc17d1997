"""SIGTERM and deadlines: an orderly stop after which every trial is finished or goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import search_fakes as fakes

from frontier.driver import deadline, events
from frontier.driver.drive import drive
from frontier.driver.stopping import Limits
from frontier.driver.study import Search
from frontier.driver.work import Evaluate, Work
from frontier.errors import Interrupted
from frontier.results.store import Study

BACKENDS = ["inline", "ray"]

# argv: home, backend, deadline of the study in seconds or 0, grace in seconds
DRIVER = """
import signal, sys
from pathlib import Path
import search_fakes as fakes
from frontier.errors import Interrupted
from frontier.results.store import Study
from frontier.driver.drive import drive
from frontier.driver.stopping import Limits
from frontier.driver.study import Search
from frontier.driver.work import Work

home, backend, limits = Path(sys.argv[1]), sys.argv[2], Limits(float(sys.argv[3]) or None, float(sys.argv[4]))
work = Work(fakes.FakeRuntime(home), evaluate=fakes.stuck, concurrency=2, cpu=0.5)
with Search(Study.open(home, "fake"), fakes.space(), trials=4) as running:
    try:
        drive(running, backend, work, limits)
    except Interrupted as error:
        print(error)
        sys.exit(Interrupted.exit_code)
"""


def work(home: Path, evaluate: Evaluate) -> Work:
    runtime: Any = fakes.FakeRuntime(home)
    return Work(runtime, evaluate=evaluate)


def start(home: Path, backend: str, *, deadline_s: float = 0, grace_s: float = 30) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DRIVER, str(home), backend, str(deadline_s), str(grace_s)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, start_new_session=True, text=True, stdout=pipe, stderr=pipe)


def wait_until(true: Callable[[], bool], driver: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 60
    while not true():
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)


def stuck(study: Study) -> bool:
    """Whether trial 0 is finished and trial 1 stands still."""
    return study.finished(0) and (study.trial_folder(1) / "runs.txt").is_file()


def went_on(study: Study, backend: str = "inline") -> dict[int, int]:
    """How often each trial was run in all, once a resumed driver has finished the study."""
    with Search(study, fakes.space(), trials=4) as running:
        drive(running, backend, work(study.home, fakes.fast))
        assert running.counts().complete == 4
    runs = {trial: study.trial_folder(trial) / "runs.txt" for trial in range(4)}
    return {trial: len(path.read_text().split()) if path.is_file() else 0 for trial, path in runs.items()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_sigterm_gives_running_trials_their_grace_and_stops_them_to_go_on(tmp_path: Path, backend: str) -> None:
    study = fakes.study(tmp_path)
    driver = start(tmp_path, backend, grace_s=0.5)
    try:
        wait_until(lambda: stuck(study), driver)
        driver.send_signal(signal.SIGTERM)
        said, complained = driver.communicate(timeout=60)
    finally:
        driver.kill()
    assert (driver.returncode, complained) == (Interrupted.exit_code, "")
    assert said == "terminated; all that had finished is kept, go on with --resume\n"
    happened = [event for event in study.events() if event["event"] in ("stopping", "interrupted")]
    assert [(event["event"], event["reason"]) for event in happened] == [
        ("stopping", "terminated"),
        ("interrupted", "terminated"),
    ]
    assert not (study.folder / "driver.pid").exists()
    assert [trial for trial in study.trials() if study.finished(trial)] == [0]
    assert went_on(study)[0] == 1


def test_a_second_sigterm_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    driver = start(tmp_path, "inline", grace_s=600)
    try:
        wait_until(lambda: stuck(study), driver)
        driver.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in [event["event"] for event in study.events()], driver)
        driver.send_signal(signal.SIGTERM)
        assert driver.wait(timeout=60) == Interrupted.exit_code
    finally:
        driver.kill()
        driver.communicate()


def test_the_studys_deadline_hands_out_nothing_more_and_stops_after_the_grace(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    late = pytest.raises(Interrupted, match=r"the deadline of 0\.0005 h has passed; .* --resume")
    with Search(study, fakes.space(), trials=4) as running, late:
        drive(running, "inline", work(tmp_path, fakes.stuck), Limits(deadline_s=1.8, grace_s=0.1))
    assert study.finished(0)
    assert not study.finished(1)
    assert [event["event"] for event in study.events()][-2:] == ["stopping", "interrupted"]
    assert went_on(study) == {0: 1, 1: 1, 2: 0, 3: 0}


def test_what_an_earlier_part_of_the_command_took_counts_towards_the_deadline(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    late = pytest.raises(Interrupted, match="the deadline of 1 h has passed")
    with Search(study, fakes.space(), trials=4) as running, late:
        drive(running, "inline", work(tmp_path, fakes.stuck), Limits(deadline_s=3600, grace_s=0.1, spent_s=3599.9))


def test_a_deadline_that_does_not_pass_changes_nothing(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    with Search(study, fakes.space(), trials=4) as running:
        before = [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)]
        drive(running, "inline", work(tmp_path, fakes.fast), Limits(deadline_s=1e18))
        assert [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)] == before
    assert [event["event"] for event in study.events()][-1] == "done"


def test_in_another_thread_a_deadline_waits_for_running_trials(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    raised: list[BaseException] = []

    def run() -> None:
        with Search(study, fakes.space(), trials=1000) as running:
            try:
                drive(running, "inline", work(tmp_path, fakes.slow), Limits(deadline_s=0.5, grace_s=0.0))
            except Interrupted as error:
                raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert "the deadline of" in str(raised[0])
    assert all(study.finished(trial) for trial in study.trials())


def held_to(deadline_s: float, study: Study, backend: str, **options: Any) -> events.Counts:
    runtime: Any = fakes.FakeRuntime(study.home, deadline_s=deadline_s)
    with Search(study, fakes.space(), trials=3) as running:
        drive(running, backend, Work(runtime, concurrency=2, cpu=0.5, **options))
        return running.counts()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_trial_that_never_looks_at_the_clock_fails_at_its_deadline_and_the_next_one_runs(
    tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "MOMENT_S", 0.1)  # here; a worker takes the real one
    study = fakes.study(tmp_path)
    counts = held_to(0.2, study, backend, evaluate=fakes.stuck)
    assert (counts.complete, counts.failed, counts.unfinished) == (1, 2, 0)
    assert {study.record(trial).reason for trial in (1, 2)} == {"the deadline of 0.2 s has passed"}
    assert [len((study.trial_folder(trial) / "runs.txt").read_text().split()) for trial in range(3)] == [1, 1, 1]


def test_a_trial_that_is_in_time_keeps_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "MOMENT_S", 0.0)
    assert held_to(60.0, fakes.study(tmp_path), "inline", evaluate=fakes.fast).complete == 3


@pytest.mark.slow
def test_sigterm_to_a_worker_is_a_dead_worker_and_its_trial_is_tried_again(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    driver = start(tmp_path, "ray")
    try:
        for trial in (1, 2, 3):
            runs = study.trial_folder(trial) / "runs.txt"
            wait_until(lambda runs=runs: runs.is_file() and runs.read_text().endswith("\n"), driver)  # type: ignore[misc]
            os.kill(int(runs.read_text()), signal.SIGTERM)
        _, complained = driver.communicate(timeout=60)
    finally:
        driver.kill()
    assert (driver.returncode, complained) == (0, "")
    assert [study.record(trial).state for trial in range(4)] == ["complete"] * 4
    assert [len((study.trial_folder(trial) / "runs.txt").read_text().split()) for trial in range(4)] == [1, 2, 2, 2]
