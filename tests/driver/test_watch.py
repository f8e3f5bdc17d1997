"""`frontier watch` on studies that run, have ended, were killed, are empty, or whose logs are odd."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import search_fakes as fakes
from test_kill import drive, wait_for_records

from frontier.api.watch import Watched
from frontier.cli.watch import command
from frontier.driver.drive import drive as run
from frontier.driver.lock import sharing
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import InputError
from frontier.results.store import Study

TS = "2026-01-01T00:00:00.000+00:00"
NO_TRIALS = {"complete": 0, "pruned": 0, "failed": 0, "unfinished": 0, "unreadable": 0}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path)


def search(study: Study, trials: int, attempt: Any = fakes.fast) -> None:
    with Search(study, fakes.space(), trials=trials) as running:
        run(running, "inline", Work(fakes.FakeRuntime(study.home), evaluate=attempt, concurrency=1, cpu=0.5))


def watch(study: Study, **options: Any) -> None:
    command("fake", home=str(study.home), **{"progress": "plain", **options})


def log(study: Study, *events: dict[str, Any], driver: str | None = None) -> None:
    for event in events:
        study.append_event({"v": 1, "ts": TS, **event}, driver)


def begun(trials: int = 4) -> dict[str, Any]:
    about = {"study": "fake", "space_hash": "ab", "sampler": "random", "seed": 0, "trials": trials, "relus": 1000}
    return {"event": "started", **about}


def resumed(trials: int = 4) -> dict[str, Any]:
    stands = {"counts": NO_TRIALS, "front": [], "hypervolume": 0.0}
    return {"event": "resumed", "study": "fake", "trials": trials, **stands}


def asked(trial: int) -> dict[str, Any]:
    return {"event": "asked", "trial": trial, "method": "snl", "relu_budget": 100}


def watching(study: Study, *options: str) -> subprocess.Popen[str]:
    words = ["watch", "fake", "--home", str(study.home), *options]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", "frontier", *words], **pipes)


# real searches


def test_a_search_is_watched_from_its_middle_to_its_end(study: Study) -> None:
    driver = drive(study.home, "inline", 12)
    wait_for_records(study, driver, 2)
    watchers = [watching(study, "--progress", "plain"), watching(study, "--json")]
    (said, warned), (passed, silent) = (watcher.communicate(timeout=60) for watcher in watchers)
    assert driver.wait(timeout=60) == 0
    assert [watcher.returncode for watcher in watchers] == [0, 0]
    assert (warned, silent) == ("", "")
    assert said.splitlines()[0] == "frontier search fake · 12 trials · sampler random · seed 0 · 1,000 ReLUs"
    assert said.splitlines()[-1].startswith("done; 12/12 (100%) done 12 | front ")
    assert passed == (study.folder / "events.jsonl").read_text()


def test_a_search_that_was_killed_is_shown_with_the_command_that_goes_on(study: Study) -> None:
    driver = drive(study.home, "inline", 20)
    wait_for_records(study, driver, 3)
    driver.kill()
    driver.wait()
    before = {path: path.stat().st_mtime_ns for path in [study.folder, *study.folder.rglob("*")]}
    watcher = watching(study, "--progress", "plain")
    said, warned = watcher.communicate(timeout=60)
    assert watcher.returncode == 0
    assert said.splitlines()[-1].startswith("no driver is alive; ")
    assert "was killed" in warned
    assert f"go on with: frontier search {study.folder}/space.yaml --name fake --home {study.home} --resume\n" in warned
    assert {path: path.stat().st_mtime_ns for path in [study.folder, *study.folder.rglob("*")]} == before


def test_ctrl_c_ends_the_watching_alone(study: Study) -> None:
    driver = drive(study.home, "inline", 40)
    wait_for_records(study, driver, 1)
    watcher = watching(study, "--progress", "plain")
    assert watcher.stdout is not None
    watcher.stdout.readline()
    watcher.send_signal(signal.SIGINT)
    _, warned = watcher.communicate(timeout=60)
    assert (watcher.returncode, warned) == (130, "no longer watched; the search itself was left alone\n")
    assert driver.poll() is None
    driver.kill()
    driver.wait()


def test_once_shows_a_running_search_and_returns(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    search(study, 3)
    with Search(study, fakes.space(), trials=6) as running:
        running.ask()
        watch(study, once=True)
    said, warned = capsys.readouterr()
    assert "3/6 (50%) done 3" in said.splitlines()[-1]
    assert "alive" not in said + warned


def test_an_interrupted_search_says_how_to_go_on(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    with Search(study, fakes.space(), trials=4) as running:
        running.stop("terminated")
        running.finish()
    watch(study)
    said, warned = capsys.readouterr()
    assert said.splitlines()[-1].startswith("interrupted (terminated); 0/4")
    assert warned.startswith("go on with: frontier search ")


def test_a_search_that_goes_on_within_a_moment_is_still_watched(
    study: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one with --replicate does between its two parts: nobody holds the study then."""
    driver = Search(study, fakes.space(), trials=2)
    driver.__enter__()
    pauses = 0

    def pause(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 1:
            driver.finish()
            driver.__exit__(None, None, None)
        if pauses == 2:
            search(study, 2)

    monkeypatch.setattr(time, "sleep", pause)
    watch(study)
    assert pauses == 2
    assert capsys.readouterr().out.splitlines()[-1].startswith("done; 2/2")


# odd logs


def test_an_empty_study_says_so(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    watch(study)
    said, warned = capsys.readouterr()
    assert said.splitlines()[-1].startswith("waiting; 0/")
    assert warned.startswith("nothing has happened in this study yet, and no driver is alive\ngo on with: ")


def test_without_a_log_the_records_tell_what_happened(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    search(study, 3)
    (study.folder / "events.jsonl").unlink()
    watch(study)
    said, warned = capsys.readouterr()
    assert "done 3 | front " in said.splitlines()[-1]
    assert warned.startswith("warning: the study has no event log; this is what its records say\n")
    watch(study, json=True, progress=None)
    told = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert told[:5] == ["started", "finished", "finished", "finished", "resumed"]


def test_damaged_lines_and_events_of_a_newer_version_are_said_and_the_rest_is_shown(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    log(study, begun(), {"event": "juggled", "v": 2, "balls": 3}, asked(0) | {"v": 2, "hopes": "high"})
    with open(study.folder / "events.jsonl", "a", encoding="utf-8") as file:
        file.write('{"event": "finis\n{"event": "fron')
    watch(study, json=True, progress="plain")
    said, warned = capsys.readouterr()
    assert [json.loads(line)["event"] for line in said.splitlines()] == ["started", "juggled", "asked"]
    assert "warning: damaged lines of the event log, which are left out: 2\n" in warned
    assert "warning: events of another version of frontier, of which what is unknown is left out: 2\n" in warned
    assert "no driver is alive; 0/4" in warned


def test_several_drivers_are_shown_as_one_search(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    with sharing(study.folder) as first, sharing(study.folder) as second:
        ended = {"event": "interrupted", "reason": "terminated", "counts": NO_TRIALS}
        log(study, begun(), asked(0), driver=first.name)
        log(
            study,
            *({**one, "ts": TS.replace("2026", "2027")} for one in (resumed(), asked(1), ended)),
            driver=second.name,
        )
        watch(study, once=True, progress="rich")
        assert "#0 snl @ 100" in (said := " ".join(capsys.readouterr().out.split()))
        assert "#1" not in said
        assert "while others work" in said
    (study.folder / "drivers" / first.name).touch()  # it was killed
    watch(study, progress="plain")
    said, warned = capsys.readouterr()
    assert said.splitlines()[-1].startswith("no driver is alive; ")
    assert "--storage URL --resume" in warned


def test_what_another_host_may_run_unseen_is_not_called_dead(
    study: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontier.driver.lookout.file_system", lambda folder: "nfs4")
    (study.folder / "driver.pid").write_text("1\n")
    log(study, begun(), asked(0))
    watch(study, once=True)
    said, warned = capsys.readouterr()
    assert said.splitlines()[-1].startswith("0/4 (0%)")
    assert warned == "whether its driver lives cannot be seen from here, over a network file system\n"
    log(study, {"event": "done", "counts": NO_TRIALS, "front": [], "hypervolume": 0.0})
    watch(study)
    assert capsys.readouterr().out.splitlines()[-1].startswith("done; ")


def test_a_study_on_a_folder_that_cannot_be_written_is_watched(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    search(study, 2)
    folders = [study.folder, *(path for path in study.folder.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        watch(study)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert capsys.readouterr().out.splitlines()[-1].startswith("done; 2/2")


def test_the_command_names_the_space_where_the_shelf_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = fakes.study(tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    assert Watched("fake").go_on() == "frontier search results/studies/fake/space.yaml --name fake --resume"
    (tmp_path / "search_spaces").mkdir()
    (tmp_path / "search_spaces" / "fake.yaml").write_text((study.folder / "space.yaml").read_text())
    assert Watched("fake").go_on() == "frontier search fake --name fake --resume"


def test_a_terminal_gets_its_cursor_back(study: Study) -> None:
    """On a real one of 80 x 24, ended by SIGTERM."""
    with sharing(study.folder) as driver:
        log(study, begun(), asked(0), driver=driver.name)
        leader, follower = pty.openpty()
        environment = {key: value for key, value in os.environ.items() if key != "CI"} | {
            "TERM": "xterm",
            "COLUMNS": "80",
        }
        words = [sys.executable, "-m", "frontier", "watch", "fake", "--home", str(study.home)]
        watcher = subprocess.Popen(words, stdout=follower, stderr=follower, stdin=follower, env=environment)
        os.close(follower)
        seen = b""
        while b"#0 snl @ 100" not in seen:
            assert select.select([leader], [], [], 60)[0], seen
            seen += os.read(leader, 4096)
        watcher.terminate()
        while chunk := _read(leader):
            seen += chunk
        os.close(leader)
    assert watcher.wait(timeout=60) == 130
    assert seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l") > -1


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # nobody has the other end open any more
        return b""


def test_bad_words_are_refused(study: Study) -> None:
    with pytest.raises(InputError, match="unknown choice"):
        watch(study, progress="loud")
    with pytest.raises(InputError, match="a home at a URL cannot be watched"):
        command("fake", home="s3://bucket/home")
    with pytest.raises(InputError, match="Did you mean 'fake'"):
        command("fak", home=str(study.home))
