"""A search whose home is a bucket, with a true S3 server: killed, its mirror deleted, resumed; and who may drive it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import search_fakes as fakes
from postgres_server import PASSWORD, Server
from s3_server import SECRET

from frontier.api.study import list_studies, open_study
from frontier.driver import at_url
from frontier.driver.backends._worker import run_here
from frontier.driver.drive import drive
from frontier.driver.storage import Storage
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import InputError
from frontier.mirror import home_at
from frontier.objects import Bucket
from frontier.results.record import TrialRecord
from frontier.results.store import Study
from frontier.trial.runtime import Runtime

TRIALS = 4
WAIT_S = 300.0


def frontier(*words: str, env: dict[str, str], cwd: Path) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "frontier", *words],
        env=os.environ | env,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(home: str, key: str, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + WAIT_S
    while Bucket(home).get(key) is None:
        assert time.monotonic() < end, "it did not come"
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)


def said(process: subprocess.Popen[str], code: int) -> str:
    text, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == code, text
    return text


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


@pytest.mark.slow
def test_killed_its_mirror_deleted_and_resumed(
    home: str, postgres: Server, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = postgres.database()
    words = ["search", str(space), "--home", home, "--backend", "inline", "--progress", "plain"]
    here, elsewhere = ({"FRONTIER_STORAGE": storage, "XDG_CACHE_HOME": str(tmp_path / name)} for name in "ab")
    driver = frontier(*words, "--keep", "all", env=here, cwd=tmp_path)
    wait_for(home, "studies/machinery/trials/0/record.json", driver)
    driver.send_signal(signal.SIGSTOP)
    refused = said(frontier(*words, "--resume", env=elsewhere, cwd=tmp_path), 2)
    assert "is working on this study" in refused
    assert home in refused
    driver.send_signal(signal.SIGKILL)
    killed_said, _ = driver.communicate()
    before = {trial: record for trial, record in open_study("machinery", home).records() if trial == 0}
    assert isinstance(before[0], TrialRecord)

    resumed = said(frontier(*words, "--resume", env=elsewhere, cwd=tmp_path), 0)  # another machine: another mirror
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "reader"))
    view = open_study("machinery", home)
    records = dict(view.records())
    assert sorted(records) == list(range(TRIALS))
    assert all(isinstance(record, TrialRecord) and record.state == "complete" for record in records.values())
    assert records[0] == before[0]
    told = [event["trial"] for event in view.files.events() if event["event"] == "finished"]
    assert len(told) == len(set(told))
    assert {"started", "resumed"} <= {event["event"] for event in view.files.events()}
    # the teacher was trained once, though the second driver began with an empty mirror
    assert [record.origin.reused.get("teacher") for record in records.values()].count(None) == 1

    assert [view.name for view in list_studies(home)] == ["machinery"]
    report = view.report(tmp_path / "report.html")
    bundle = view.export(0, tmp_path / "bundle")
    assert report.stat().st_size > 10_000
    assert json.loads((bundle / "manifest.json").read_text())["trial"] == 0

    fetched = {key: Bucket(home).get(key) or b"" for key in Bucket(home).keys()}  # noqa: SIM118 - no dict
    for name, content in [*everything(tmp_path), *fetched.items(), ("says", (resumed + killed_said).encode())]:
        assert SECRET.encode() not in content, name
        assert PASSWORD.encode() not in content, name
    assert not [key for key in fetched if "lease" in key]


def test_without_postgresql_nothing_is_written(home: str, space: Path, tmp_path: Path) -> None:
    from frontier.api.rebuild import rebuild
    from frontier.api.search import search

    with pytest.raises(InputError, match="SQLite cannot lie on an object store"):
        search(space, home=home, backend="inline")
    with pytest.raises(InputError, match="SQLite cannot lie on an object store"):
        rebuild("machinery", home=home)
    with pytest.raises(InputError, match="neither user and password"):
        search(space, home="s3://me:secret@bucket/home", backend="inline")
    assert Bucket(home).keys() == {}
    assert [path for path in tmp_path.iterdir() if path != space] == []


def searching(home: str, url: str, trials: int = TRIALS) -> Search:
    return Search(Study.open(home_at(home), "fake"), fakes.space(), trials=trials, storage=Storage.of(url))


def test_one_driver_at_a_time(home: str, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = postgres.database()
    fakes.study(home_at(home))
    with searching(home, url) as first:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
        with pytest.raises(InputError, match="is working on this study"), searching(home, url):
            pass
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        drive(first, "inline", Work(fakes.FakeRuntime(home_at(home)), evaluate=fakes.fast))
        assert first.complete
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    with searching(home, url, TRIALS + 1) as second:
        drive(second, "inline", Work(fakes.FakeRuntime(home_at(home)), evaluate=fakes.fast))
        assert second.counts().complete == TRIALS + 1


def test_a_driver_that_was_taken_for_dead_stops(home: str, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_url, "LOOK_S", 0.01)
    fakes.study(home_at(home))
    with searching(home, postgres.database()) as first:
        Bucket(home).put("studies/fake/leases/.driver.lease-2", b'{"token": "another"}')
        end = time.monotonic() + WAIT_S
        while first.ask() is not None:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert first.stopped == "another driver has taken the study over"


def test_it_is_cancelled_from_another_machine(
    home: str, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_url, "LOOK_S", 0.01)
    fakes.study(home_at(home))
    with searching(home, postgres.database(), trials=1000) as running:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
        open_study("fake", home).cancel()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        end = time.monotonic() + WAIT_S
        while not running.stopped:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert running.stopped == "cancelled"


def test_a_worker_of_another_machine_has_a_mirror_of_its_own(
    home: str, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.study(home_at(home))
    with searching(home, postgres.database(), trials=1) as running:
        asked = running.ask()
        assert asked is not None
        work = Work(Runtime(home=running.study.home), evaluate=fakes.fast, url=home)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "worker"))
        told = run_here({"trial": asked.trial, "code_version": "0"}, replace(work), running.study)
        assert told["state"] == "complete"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        assert not running.study.finished(asked.trial)
        running.collect_all()
        assert running.complete
    assert os.listdir(tmp_path / "worker" / "frontier" / "homes")  # noqa: PTH208
