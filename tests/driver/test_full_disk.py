"""A full disk: nothing half-written, no trial FAILED for it, exit code 3, and on with --resume when there is room."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import search_fakes as fakes
import small_disk
from optuna.trial import TrialState
from search_books import ask, by_number, finish, finish_all, search
from small_disk import SmallDisk

from frontier.disk import full_disk, is_full, refusing_full
from frontier.driver import claims, events
from frontier.driver.drive import drive
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import BlockedError
from frontier.files import append_line, writable, write_atomic
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import Study, StudyManifest
from frontier.trial.workspace import Workspace

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
QUOTA = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path)


def no_room(*arguments: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/frontier/file")


# what it is, and what is left of a file


@pytest.mark.parametrize("error", [FULL, QUOTA, RuntimeError("IoError: No space left on device (os error 28)")])
def test_errors_that_say_so_are_known_also_as_the_cause_of_others(error: Exception) -> None:
    other = ValueError("the library gave up")
    other.__cause__ = error
    assert is_full(other)
    assert isinstance(full_disk(other), BlockedError)
    assert not is_full(OSError(errno.EACCES, "Permission denied"))


def test_the_folder_is_named_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BlockedError, match=r"^/data/frontier: the disk is full \(No space left(.|\n)*--resume"):
        refusing_full()(no_room)()
    with pytest.raises(BlockedError, match=f"^{tmp_path}: the disk is full"), refusing_full(tmp_path):
        raise FULL
    with pytest.raises(ZeroDivisionError), refusing_full(tmp_path):
        raise ZeroDivisionError


def test_a_file_that_does_not_fit_leaves_the_old_one_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomic(path, "old")
    monkeypatch.setattr("os.fsync", no_room)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_a_folder_on_a_full_disk_is_no_wrong_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", no_room)
    with pytest.raises(BlockedError, match="the disk is full"):
        writable(tmp_path, "--home")


def test_a_line_that_a_crash_cut_short_is_closed_first(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"whole\nto")
    append_line(path, b"next")
    assert path.read_bytes() == b"whole\nto\nnext\n"


# a search whose books cannot be written


@pytest.mark.parametrize("writes", ["write_spec", "append_event", "take"])
def test_a_driver_without_room_hands_out_nothing_more_and_says_where(
    study: Study, monkeypatch: pytest.MonkeyPatch, writes: str
) -> None:
    def blocked(spec: TrialSpec, folder: Path, runtime: Any, *, trial: int | None = None) -> TrialRecord:
        if trial == 1:
            full.setattr(Study, writes, no_room)
        return fakes.fast(spec, folder, runtime, trial=trial)

    with monkeypatch.context() as full:
        seen: list[events.Event] = []
        with (
            search(study, trials=4, on_event=seen.append) as running,
            pytest.raises(BlockedError, match="/data/frontier: the disk is full"),
        ):
            drive(running, "inline", Work(fakes.FakeRuntime(study.home), evaluate=blocked))  # type: ignore[arg-type]
    assert [event.reason for event in seen if isinstance(event, events.Stopping)] == [
        "/data/frontier: the disk is full (No space left on device)"
    ]
    assert [trial for trial in study.trials() if study.finished(trial)] == [0, 1]
    with search(study, trials=4) as running:
        finish_all(running)
        assert running.counts().complete == 4
    assert set(by_number(study).values()) <= {TrialState.COMPLETE, TrialState.FAIL}


def test_a_full_disk_is_not_taken_for_a_broken_database(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    with search(study, trials=2) as running:
        finish(running, ask(running))
    before = (study.folder / "study.db").read_bytes()
    with monkeypatch.context() as full:
        full.setattr("frontier.driver.sqlite.opened", no_room_for_sqlite)
        with pytest.raises(BlockedError, match=r"the disk is full \(database or disk is full\)"), search(study):
            pass
    assert (study.folder / "study.db").read_bytes() == before
    assert not list(study.folder.glob("study.db.old*"))


def test_a_database_that_cannot_grow_stops_the_search_and_is_told_on_resume(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_page_more(connection: Any, record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the pages that it has

    with monkeypatch.context() as full:
        full.setattr("frontier.driver.sqlite._hasty", no_page_more)
        with search(study, trials=500) as running:
            finish_all(running)
            running.collect_all()
            assert "the disk is full (database or disk is full)" in str(running.blocked)
            running.finish()
    finished = [trial for trial in study.trials() if study.finished(trial)]
    assert 0 < len(finished) < 500
    with search(study, trials=len(finished) + 2) as running:
        finish_all(running)
        assert running.counts().complete == len(finished) + 2
    states = by_number(study)
    assert all(states[trial] is TrialState.COMPLETE for trial in range(len(finished) + 2))


def no_room_for_sqlite(path: Path) -> None:
    raise RuntimeError("(sqlite3.OperationalError) database or disk is full")


def test_a_study_that_finds_no_room_is_not_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fakes.study(tmp_path / "whole").manifest()
    with monkeypatch.context() as full:
        full.setattr("frontier.results.store.write_new", no_room)
        with pytest.raises(OSError, match="No space"):
            Study.create(tmp_path / "home", whole, "name: fake\n")
    assert not Study(tmp_path / "home", "fake").exists()
    Study.create(tmp_path / "home", StudyManifest.model_validate(whole), "name: fake\n")


@pytest.mark.parametrize("backend", ["inline", "ray"])
def test_a_trial_without_room_is_not_failed_and_runs_when_there_is_some(tmp_path: Path, backend: str) -> None:
    study = fakes.study(tmp_path)
    work: Any = Work(fakes.FakeRuntime(tmp_path), evaluate=fakes.roomless, concurrency=2, cpu=0.5)
    with (
        Search(study, fakes.space(), trials=4) as running,
        pytest.raises(BlockedError, match=r"trials/1: the disk is full"),
    ):
        drive(running, backend, work)
    assert not study.finished(1)
    assert running.counts().failed == 0
    (tmp_path / "room").touch()
    with Search(study, fakes.space(), trials=4) as running:
        drive(running, backend, work)
        assert running.counts().complete == 4


# a real search on a real small disk


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    if reason := small_disk.possible():
        pytest.skip(reason)
    with small_disk.small_disk() as made:
        yield made


def test_no_line_and_no_file_is_half_written_on_a_real_disk(disk: SmallDisk) -> None:
    seen = disk.seen
    Workspace(seen / "trial").log("whole")
    append_line(seen / "long", b"x" * 4000)
    disk.fill()
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            append_line(seen / "long", b"y" * 10_000)
        with pytest.raises(OSError, match="No space left"):
            write_atomic(seen / "trial" / "file", bytes(10_000))
    assert (seen / "long").read_bytes() == b"x" * 4000 + b"\n"
    assert [path.name for path in (seen / "trial").iterdir()] == ["log.txt"]


@pytest.mark.slow
def test_a_search_fills_its_disk_ends_with_3_and_goes_on(disk: SmallDisk, space: Path, tmp_path: Path) -> None:
    home = ["--home", str(disk.folder / "home"), "--backend", "inline", "--trials", "2", "--progress", "none"]
    command = disk.words([sys.executable, "-m", "frontier", "search", str(space), *home], tmp_path)
    study = Study(disk.seen / "home", space.stem)
    disk.fill()
    none = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (none.returncode, none.stderr.count("\n")) == (3, 2), none.stderr
    assert "the disk is full (No space left on device)" in none.stderr
    assert not study.exists()
    disk.empty()
    subprocess.run(command, capture_output=True, check=True)
    disk.fill()
    more = [*command, "--resume", "--trials", "3"]
    some = subprocess.run(more, capture_output=True, text=True, check=False)
    assert some.returncode == 3, some.stderr
    assert f"{disk.folder}/home/studies/{space.stem}" in some.stderr
    assert "go on, a search with --resume" in some.stderr
    disk.empty()
    subprocess.run(more, capture_output=True, check=True)
    assert [record.state for _, record in study.records() if isinstance(record, TrialRecord)] == ["complete"] * 3
    assert not list(disk.seen.glob("home/**/.*.tmp"))
    assert not (study.folder / claims.SCRATCH).exists()
