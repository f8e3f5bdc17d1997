"""The contract of every backend: each trial is run once and told, failures are records, the total is met."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import search_fakes as fakes

from frontier import registry
from frontier.driver.backends import _worker
from frontier.driver.drive import drive
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import BlockedError, InputError, Interrupted, TooManyFailures
from frontier.results.record import TrialRecord
from frontier.results.store import Study

BACKENDS = registry.names("backend")
TRAINING = [backend for backend in BACKENDS if backend != "replay"]


def recorded() -> list[TrialRecord]:
    """Trials of both methods at five budgets."""
    space = fakes.space()
    fixed = {"finetune.lr": 0.1, "random.share": 0.5, "random.rule": "a", "snl.penalty": 1e-4, "snl.epochs": 3}
    records = []
    for method in space.method_names:
        for budget in (0, 1, 10, 100, 1000):
            known = {"relu_budget", *space.parameters(method)}
            chosen = {name: value for name, value in fixed.items() if name in known}
            spec = space.spec({"method": method, "relu_budget": budget, **chosen}, seed=9)
            records.append(fakes.complete(len(records), spec))
    return records


def work(home: Path, **options: Any) -> Work:
    return Work(runtime=fakes.FakeRuntime(home), **options)  # type: ignore[arg-type]


def run(study: Study, backend: str, trials: int, **options: Any) -> Search:
    options = {"evaluate": fakes.fast, "recorded": recorded(), "concurrency": 2, "cpu": 0.5} | options
    with Search(study, fakes.space(), trials=trials) as running:
        drive(running, backend, work(study.home, **options))
    return running


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_trial_ends_in_one_record_and_a_crashing_one_in_a_failed_one(tmp_path: Path, backend: str) -> None:
    study = fakes.study(tmp_path)
    crashed = 0 if backend == "replay" else 2
    counts = run(study, backend, 6, evaluate=fakes.crashing).counts()
    assert (counts.complete, counts.failed, counts.unfinished) == (6 - crashed, crashed, 0)
    assert study.trials() == list(range(6))
    reasons = [record.reason for _, record in study.records() if isinstance(record, TrialRecord) and record.reason]
    assert reasons == ["ZeroDivisionError: a defect of the method"] * crashed
    assert not (study.folder / "ray").exists()
    assert [event["event"] for event in study.events()][-1] == "done"
    if backend not in ("inline", "replay"):
        inline = fakes.study(tmp_path / "inline")
        run(inline, "inline", 6, evaluate=fakes.crashing)
        assert all(study.record(trial).comparable() == inline.record(trial).comparable() for trial in range(6))


@pytest.mark.parametrize("backend", ["inline", "replay"])
def test_the_total_holds_on_resume(tmp_path: Path, backend: str) -> None:
    study = fakes.study(tmp_path)
    for total in (3, 3, 5):
        assert run(study, backend, total).counts().complete == total
    assert study.trials() == list(range(5))


@pytest.mark.parametrize("backend", TRAINING)
def test_what_would_meet_every_trial_ends_the_search_and_keeps_what_had_finished(tmp_path: Path, backend: str) -> None:
    study = fakes.study(tmp_path)
    with pytest.raises(BlockedError, match="the data are gone"):
        run(study, backend, 9, evaluate=fakes.refusing, concurrency=1)
    assert [trial for trial in study.trials() if study.finished(trial)] == [0, 1]
    assert [event["event"] for event in study.events()][-1] == "interrupted"


def test_trials_that_keep_failing_stop_the_study_with_its_results_kept(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    with pytest.raises(TooManyFailures):
        run(study, "inline", 40, evaluate=fakes.hopeless)
    assert len(study.trials()) == 10


def test_a_study_without_one_complete_trial_is_a_failure_with_its_results_kept(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    with pytest.raises(TooManyFailures, match="none of the 3 trials is complete"):
        run(study, "inline", 3, evaluate=fakes.hopeless)
    assert [study.record(trial).state for trial in range(3)] == ["failed"] * 3
    assert [event["event"] for event in study.events()][-1] == "done"
    assert run(study, "inline", 4).counts().complete == 1


# before a study is made


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_can_be_run_passes_the_check(tmp_path: Path, backend: str) -> None:
    registry.load("backend", backend).check(work(tmp_path, recorded=recorded()))


@pytest.mark.parametrize(
    ("resources", "says"), [({"cpu": 5000}, "asks for 5000 CPU and 0 GPU"), ({"gpu": 5000}, "1 CPU and 5000 GPU")]
)
def test_ray_checks_a_trial_against_this_machine_unless_it_joins_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resources: dict[str, float], says: str
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another cluster's")
    check = registry.load("backend", "ray").check
    with pytest.raises(BlockedError, match=says):
        check(work(tmp_path, **resources))
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        port = elsewhere.getsockname()[1]
        check(work(tmp_path, address=f"127.0.0.1:{port}", shared=True, **resources))
    with pytest.raises(BlockedError, match="no Ray cluster let us in"):
        check(work(tmp_path, address=f"127.0.0.1:{port}", shared=True, **resources))


@pytest.mark.parametrize(
    "address", ["head", "head:", ":6379", "head:few", "head:99999", "http://head:8265", "ray://h:1"]
)
def test_an_address_that_is_none_is_refused_before_a_study_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another cluster's")
    with pytest.raises(InputError, match="--address: not the address of a cluster"):
        registry.load("backend", "ray").check(work(tmp_path, address=address, shared=True))


def test_replay_checks_that_there_is_something_to_replay(tmp_path: Path) -> None:
    failed = [record.model_copy(update={"state": "failed"}) for record in recorded()]
    for nothing in ([], failed):
        with pytest.raises(InputError, match="nothing to replay"):
            registry.load("backend", "replay").check(work(tmp_path, recorded=nothing))


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_the_ray_backend_needs_ray(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, f"frontier.driver.backends.{backend}", raising=False)
    if backend == "ray":
        with pytest.raises(ImportError) as missing:
            registry.load("backend", backend)
        assert missing.value.name == "ray"
    else:
        registry.load("backend", backend)


def test_ray_refuses_a_trial_that_asks_for_more_than_there_is(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    with pytest.raises(BlockedError, match="asks for 5000 CPU"):
        run(study, "ray", 3, cpu=5000)
    assert study.trials() == []


def test_a_node_that_does_not_see_the_home_ends_the_search_and_fails_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_worker, "SEEN_AFTER_S", 0.0)
    elsewhere = Study(tmp_path / "elsewhere", "fake")
    told = _worker.run_here({"trial": 7, "code_version": "0"}, work(tmp_path), elsewhere)
    assert (told["trial"], told["blocked"]) == (7, False)
    assert str(elsewhere.trial_folder(7)) in told["message"]
    assert "frontier doctor --address" in told["message"]


@pytest.mark.slow
def test_a_dying_worker_is_tried_again_and_at_last_failed_with_its_last_words(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    counts = run(study, "ray", 4, evaluate=fakes.dying).counts()
    assert (counts.complete, counts.failed) == (3, 1)
    reason = study.record(1).reason
    assert reason is not None
    assert reason.startswith("worker died (3 times): ")
    assert len((study.trial_folder(1) / "runs.txt").read_text().split()) == 3
    assert len((study.trial_folder(2) / "runs.txt").read_text().split()) == 2


def test_a_trial_that_ray_tune_gives_up_too_early_is_handed_out_again(tmp_path: Path) -> None:
    """As it does where a worker dies while it is made ready for its next trial."""
    study = fakes.study(tmp_path)
    with Search(study, fakes.space(), trials=2) as running:
        tune = registry.load("backend", "ray")._Forward(running)
        first, second = tune.suggest("a"), tune.suggest("b")
        assert tune.suggest("c") is None  # no trial is left, but those that run may come back
        tune.died("a", 1, "its node is gone")
        assert tune.suggest("d") == first
        tune.died("d", 1, "its node is gone")
        assert tune.suggest("e") == first
        tune.died("e", 1, "its node is gone")
        assert study.record(first["trial"]).reason == "worker died (3 times): its node is gone"
        fakes.fast(study.spec(second["trial"]), study.trial_folder(second["trial"]), None, trial=second["trial"])  # type: ignore[arg-type]
        tune.on_trial_complete("b", {})
        assert tune.suggest("f") == "FINISHED"
        assert (running.counts().complete, running.counts().failed) == (1, 1)


# replay


def test_replay_answers_with_the_nearest_trial_of_the_method_and_says_so(tmp_path: Path) -> None:
    study = fakes.study(tmp_path)
    run(study, "replay", 12)
    for trial in range(12):
        record = study.record(trial)
        budgets = (0, 1, 10, 100, 1000)
        distances = [abs((record.spec.relu_budget + 1) / (budget + 1)) for budget in budgets]
        nearest = budgets[min(range(5), key=lambda i: max(distances[i], 1 / distances[i]))]
        assert record.points[0].relu_count == nearest
        assert record.spec == study.spec(trial)
        assert record.origin.device == "replay"
        assert record.notes[-1].startswith("simulated")


def test_replay_needs_something_to_replay(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to replay"):
        run(fakes.study(tmp_path), "replay", 3, recorded=())


def test_replay_fails_a_method_that_was_never_recorded(tmp_path: Path) -> None:
    only = [record for record in recorded() if record.spec.method == "snl"]
    study = fakes.study(tmp_path)
    run(study, "replay", 6, recorded=only)
    states = {study.record(trial).spec.method: study.record(trial).state for trial in range(6)}
    assert states == {"snl": "complete", "random": "failed"}


# Ctrl-C

DRIVER = """
import signal
import sys
from pathlib import Path
import search_fakes as fakes
from frontier.errors import Interrupted
from frontier.results.store import Study
from frontier.driver.drive import drive
from frontier.driver.study import Search
from frontier.driver.work import Work

home, backend = Path(sys.argv[1]), sys.argv[2]
with Search(Study.open(home, "fake"), fakes.space(), trials=60) as running:
    try:
        drive(running, backend, Work(fakes.FakeRuntime(home), evaluate=fakes.slow, concurrency=2, cpu=0.5))
    except (Interrupted, KeyboardInterrupt):  # as frontier.__main__ does
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(Interrupted.exit_code)
"""


@pytest.mark.parametrize("backend", TRAINING)
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_keeps_and_tells_what_had_finished(tmp_path: Path, backend: str, presses: int) -> None:
    study = fakes.study(tmp_path)
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path), backend], start_new_session=True)
    try:
        while sum(study.finished(trial) for trial in study.trials()) < 4:
            assert driver.poll() is None
            time.sleep(0.01)
        for _ in range(presses):
            os.killpg(driver.pid, signal.SIGINT)
            time.sleep(0.01)
        assert driver.wait(timeout=60) == Interrupted.exit_code
    finally:
        driver.kill()
    finished = [trial for trial in study.trials() if study.finished(trial)]
    assert len(finished) < 60
    if presses == 1:
        assert finished == study.trials()
    told = [event["trial"] for event in study.events() if event["event"] == "finished"]
    assert sorted(told) == finished
