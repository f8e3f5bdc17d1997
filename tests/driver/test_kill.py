"""kill -9 of the driver at any moment, then resume: every finished trial is kept and none is counted twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import optuna
import pytest
import search_fakes as fakes
from optuna.trial import TrialState

from frontier.driver.database import STUDY
from frontier.results.record import TrialRecord
from frontier.results.store import Study

TRIALS = 20
TORN_RECORD = "before:record.json"  # the record is written aside and not yet renamed
AT_ANY_TIME = "any"  # up to half a second after the n-th record from here on
KINDS = (TORN_RECORD, "after:record.json", "before:spec.json", "after:spec.json", AT_ANY_TIME)

# argv: home, backend, trials, moment. The moment is where this process kills itself: never, or at the n-th rename of
# a file, before it (while the file is being written) or after it (before anybody is told).
DRIVER = """
import os, signal, sys
from pathlib import Path
import search_fakes as fakes
from frontier.results.store import Study
from frontier.driver.drive import drive
from frontier.driver.study import Search
from frontier.driver.work import Work

home, backend, trials, moment = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
if moment != "never":
    when, file, count = moment.split(":")
    rename, left = os.replace, int(count)

    def dying(source, target, **options):
        global left
        left -= str(target).endswith(file)
        if left == 0 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target, **options)
        if left == 0 and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = dying
with Search(Study.open(home, "fake"), fakes.space(), trials=trials) as running:
    drive(running, backend, Work(fakes.FakeRuntime(home), evaluate=fakes.slow, concurrency=2, cpu=0.5))
"""


def drive(home: Path, backend: str, trials: int, moment: str = "never") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", DRIVER, str(home), backend, str(trials), moment]
    return subprocess.Popen(command, start_new_session=True)


def finished(study: Study) -> dict[int, bytes]:
    """The records as they are on disk."""
    return {
        trial: (study.trial_folder(trial) / "record.json").read_bytes()
        for trial in study.trials()
        if study.finished(trial)
    }


def wait_for_records(study: Study, driver: subprocess.Popen[bytes], more: int) -> None:
    goal = len(finished(study)) + more
    while len(finished(study)) < goal:
        assert driver.poll() is None, "the driver ended before it could be killed"
        time.sleep(0.01)


def assert_whole(study: Study, trials: int) -> None:
    """All trials complete, told once, and the database says the same as the records."""
    records = dict(study.records())
    assert list(records) == list(range(trials))
    assert all(isinstance(record, TrialRecord) and record.state == "complete" for record in records.values())
    told = Counter(event["trial"] for event in study.events() if event["event"] == "finished")
    assert max(told.values()) == 1
    assert not list(study.folder.glob("trials/*/.*.tmp"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = optuna.load_study(study_name=STUDY, storage=f"sqlite:///{study.folder / 'study.db'}").trials
    assert not [trial for trial in theirs if trial.state in (TrialState.RUNNING, TrialState.WAITING)]
    complete = [trial.user_attrs["trial"] for trial in theirs if trial.state is TrialState.COMPLETE]
    assert sorted(complete) == list(range(trials))


def assert_run_at_most(study: Study, times: int) -> None:
    """No trial began more often than this."""
    for trial in study.trials():
        assert len((study.trial_folder(trial) / "runs.txt").read_text().split()) <= times


def drawn_moments(chance: random.Random) -> list[str]:
    """Five kinds with their counts, in any order; in one of them at least a record is being written."""
    kinds = [TORN_RECORD, *chance.choices(KINDS, k=4)]
    chance.shuffle(kinds)
    return [f"{kind}:{chance.randint(1, 3)}" for kind in kinds]


def test_an_inline_driver_killed_at_five_moments_loses_and_repeats_nothing(tmp_path: Path) -> None:
    study = fakes.study(tmp_path, sampler="tpe")
    chance = random.Random(20261116)
    kept: dict[int, bytes] = {}
    for moment in drawn_moments(chance):
        kind, _, count = moment.rpartition(":")
        driver = drive(tmp_path, "inline", TRIALS, "never" if kind == AT_ANY_TIME else moment)
        if kind == AT_ANY_TIME:
            wait_for_records(study, driver, int(count))
            time.sleep(chance.uniform(0.0, 0.5))
            driver.kill()
        assert driver.wait(timeout=60) == -signal.SIGKILL
        if kind == TORN_RECORD:
            assert list(study.folder.glob("trials/*/.record.json.*.tmp"))
        now = finished(study)
        assert now.items() >= kept.items()
        kept = now
    assert 0 < len(kept) < TRIALS
    assert drive(tmp_path, "inline", TRIALS).wait(timeout=120) == 0
    assert finished(study).items() >= kept.items()
    assert_whole(study, TRIALS)
    assert_run_at_most(study, 6)


def test_a_real_search_killed_while_a_trial_trains_goes_on_and_repeats_nothing(tmp_path: Path, space: Path) -> None:
    space.write_text(space.read_text().replace("finetune: {epochs: 2,", "finetune: {epochs: 60,"))
    options = ["--home", str(tmp_path / "home"), "--backend", "inline", "--trials", "3", "--progress", "none"]
    command = [sys.executable, "-m", "frontier", "search", str(space), *options]
    study = Study(tmp_path / "home", space.stem)
    log = study.trial_folder(1) / "log.txt"
    driver = subprocess.Popen(command, cwd=tmp_path)
    try:
        while not (log.is_file() and "finetune: epoch" in log.read_text()):
            assert driver.poll() is None, "the driver ended before it could be killed"
            time.sleep(0.005)
    finally:
        driver.kill()
    assert driver.wait() == -signal.SIGKILL
    kept = finished(study)
    assert list(kept) == [0]
    subprocess.run([*command, "--resume"], cwd=tmp_path, check=True, timeout=120, capture_output=True)
    assert finished(study).items() >= kept.items()
    assert_whole(study, 3)
    assert "search: goes on after epoch" in log.read_text()


def processes_with(text: str) -> list[int]:
    """Processes whose command line holds `text`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if text.encode() in (folder / "cmdline").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


@pytest.mark.slow
def test_a_killed_ray_driver_takes_its_cluster_along_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = fakes.study(tmp_path)
    with tempfile.TemporaryDirectory(prefix="kill-", ignore_cleanup_errors=True) as temporary:
        monkeypatch.setenv("TMPDIR", temporary)
        driver = drive(tmp_path, "ray", TRIALS)
        wait_for_records(study, driver, 5)
        time.sleep(random.Random(1).uniform(0.0, 0.5))
        assert processes_with(temporary)
        driver.kill()
        driver.wait()
        deadline = time.monotonic() + 60
        while processes_with(temporary):
            assert time.monotonic() < deadline, "Ray outlived its driver"
            time.sleep(0.1)
        kept = finished(study)
        assert 5 <= len(kept) < TRIALS
        assert drive(tmp_path, "ray", TRIALS).wait(timeout=120) == 0
    assert finished(study).items() >= kept.items()
    assert_whole(study, TRIALS)
    assert_run_at_most(study, 2)
