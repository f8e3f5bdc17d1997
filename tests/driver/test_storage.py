"""Where the sampler's memory may lie, and what is never shown of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy.exc

from frontier.api.search import storage_of
from frontier.cli._storage import without_storage
from frontier.driver import file_systems, sqlite, steady
from frontier.driver.backends.ray import _refuse_hosts
from frontier.driver.steady import Steady
from frontier.driver.storage import Storage
from frontier.errors import BlockedError, InputError

SECRET = "hunter2"  # noqa: S105 - of no server at all
URL = f"postgresql://me:{SECRET}@db.example:5433/studies"


@pytest.fixture
def psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were installed."""
    monkeypatch.setattr("frontier.driver.storage.find_spec", lambda name: object())


@pytest.mark.usefixtures("psycopg")
def test_a_database_is_shown_without_its_password() -> None:
    storage = Storage.of(f"{URL}?sslpassword={SECRET}")
    assert str(storage) == "postgresql://me:***@db.example:5433/studies"
    assert SECRET not in repr(storage)
    error = sqlalchemy.exc.OperationalError("SELECT", {}, Exception(f"no such password: {SECRET}\nmore"))
    assert storage.says(error) == "no such password: ***"


@pytest.mark.usefixtures("psycopg")
@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{SECRET}@host/db",
        f"sqlite:///{SECRET}",
        SECRET,
        f"postgresql://me:{SECRET}@host:port/db",
        f"postgresql://me:p@{SECRET}@host/db",
        f"postgresql://me:p@s/{SECRET}@host/db",
        "",
    ],
)
def test_what_is_no_postgresql_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(InputError, match="postgresql://USER:PASSWORD@HOST:PORT/DATABASE") as caught:
        Storage.of(url)
    assert SECRET not in str(caught.value)


def test_without_psycopg_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontier.driver.storage.find_spec", lambda name: None)
    with pytest.raises(BlockedError, match=r"relu-frontier\[postgresql\]"):
        Storage.of(URL)


# SQLite


@pytest.mark.parametrize("name", ["a?b=c", "a%41b", "a b#c@d"])
def test_a_file_is_made_where_it_was_asked_for_whatever_its_folder_is_called(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    storage = sqlite.opened(folder / "study.db")
    storage.engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (folder / "study.db").is_file()


# SQLite where it is not safe


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "lustre", "gpfs", "ceph"])
def test_sqlite_is_refused_on_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    share = tmp_path / "a share"
    mounts = tmp_path / "mounts"
    point = str(share).replace(" ", "\\040")
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/x {point} {kind} rw 0 0\ntmpfs {point}/ram tmpfs rw 0 0\n")
    monkeypatch.setattr(file_systems, "MOUNTS", mounts)
    assert storage_of(None, tmp_path / "home") is None
    assert storage_of(None, share / "ram" / "home") is None
    with pytest.raises(InputError, match=kind) as caught:
        storage_of(None, share / "home")
    assert "--storage postgresql://" in str(caught.value)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "studies").symlink_to(share)
    with pytest.raises(InputError, match=kind):
        storage_of(None, tmp_path / "home")


def test_where_there_is_no_list_of_mounts_sqlite_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_systems, "MOUNTS", tmp_path / "none")
    assert storage_of(None, tmp_path) is None


def test_sqlite_is_refused_for_a_cluster_of_several_hosts() -> None:
    here, there = ({"NodeManagerAddress": address} for address in ("10.0.0.1", "10.0.0.2"))
    _refuse_hosts([here, here])
    with pytest.raises(InputError, match=r"several hosts \(10.0.0.1, 10.0.0.2\)"):
        _refuse_hosts([here, there])


# the command line


def test_the_option_leaves_the_command_line_in_both_its_forms() -> None:
    assert without_storage(["search", "x", "--storage", URL, "--resume"]) == ["search", "x", "--resume"]
    assert without_storage(["search", f"--storage={URL}", "x"]) == ["search", "x"]


PEEK = """
import runpy, sys, types
module = sys.modules["frontier.api.search"] = types.ModuleType("frontier.api.search")  # the real one loads torch
def search(space, *, storage, **options):
    print([storage, [word for word in sys.orig_argv if "postgres" in word]])
    raise SystemExit
module.search, module.storage_shown = search, lambda url: ""
sys.argv = ["frontier", *sys.argv[1:]]
runpy.run_module("frontier", run_name="__main__")
"""


@pytest.mark.parametrize("url", [URL, URL.replace(SECRET, f"{SECRET}#?/")])
def test_the_password_is_in_no_list_of_processes_by_the_time_a_search_begins(tmp_path: Path, url: str) -> None:
    program = tmp_path / "peek.py"
    program.write_text(PEEK)
    command = [sys.executable, str(program), "search", "digits", "--progress", "none", "--storage", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str([url, []]), done.stderr


# patience


def failing(times: int) -> list[Exception]:
    return [sqlalchemy.exc.OperationalError("SELECT", {}, Exception("gone")) for _ in range(times)]


@pytest.mark.usefixtures("psycopg")
def test_an_outage_is_said_once_and_carried_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "FIRST_PAUSE_S", 0.001)
    said: list[str] = []
    errors = failing(3)

    def work() -> int:
        if errors:
            raise errors.pop()
        return 7

    steadily = Steady(Storage.of(URL), said.append)
    assert steadily(work) == 7
    assert said == ["postgresql://me:***@db.example:5433/studies does not answer (gone); trying again for 300 s"]
    assert steadily.lost is None


@pytest.mark.usefixtures("psycopg")
def test_a_database_that_stays_away_is_given_up_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "PATIENCE_S", 0.01)
    tried = []

    def work() -> None:
        tried.append(1)
        raise failing(1)[0]

    steadily = Steady(Storage.of(URL))
    with pytest.raises(BlockedError, match="go on with --resume"):
        steadily(work)
    before = len(tried)
    with pytest.raises(BlockedError):
        steadily(work)
    assert len(tried) == before


@pytest.mark.usefixtures("psycopg")
def test_somebody_in_a_hurry_ends_the_wait() -> None:
    steadily = Steady(Storage.of(URL), hurried=lambda: True)

    def work() -> None:
        raise failing(1)[0]

    with pytest.raises(BlockedError):
        steadily(work)


def test_a_fault_of_a_file_is_no_outage() -> None:
    def work() -> None:
        raise failing(1)[0]

    with pytest.raises(sqlalchemy.exc.OperationalError):
        Steady()(work)
