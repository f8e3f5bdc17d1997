"""submit, status and doctor from a machine outside of the cluster: what they print, refuse and end with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from strangers import TOKEN, job, served
from typer.testing import CliRunner

from frontier.api.doctor import doctor
from frontier.api.doctor_cluster import jobs_api
from frontier.api.submit import submit
from frontier.cli._app import app
from frontier.errors import InputError

JOBS = [
    job("frontier-first-1", status="SUCCEEDED", driver_exit_code=0, end_time=1_790_000_100_000),
    job("frontier-second-2"),
    {**job("frontier-others-3"), "metadata": {}},
]
client = pytest.mark.skipif(find_spec("aiohttp") is None, reason="Ray's job client needs the extra 'cluster'")


def run(folder: Path, *words: object, token: str | None = TOKEN) -> subprocess.CompletedProcess[str]:
    """The command line in `folder`, which is its home too, so that no token of this machine is found."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "FRONTIER_"))}
    environment = known | {"HOME": str(folder), **({"RAY_AUTH_TOKEN": token} if token else {})}
    command = [sys.executable, "-m", "frontier", *map(str, words)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@client
def test_status_lists_the_searches_and_no_other_job(tmp_path: Path) -> None:
    with served(JOBS) as address:
        done = run(tmp_path, "status", "--address", address, "--json")
        shown = run(tmp_path, "status", "frontier-first-1", "--address", address, "--lines", 2)
        unknown = run(tmp_path, "status", "frontier-first-9", "--address", address)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(one["id"], one["state"], one["exit_code"]) for one in found] == [
        ("frontier-first-1", "SUCCEEDED", 0),
        ("frontier-second-2", "RUNNING", None),
    ]
    assert shown.stdout.splitlines()[1:] == ["two", "three"]
    assert unknown.returncode == 2
    assert "Did you mean 'frontier-first-1'" in unknown.stderr


@client
def test_a_wrong_token_none_and_silence_are_blocked_with_their_cures(tmp_path: Path) -> None:
    with served(JOBS) as address:
        wrong = run(tmp_path, "status", "--address", address, token="f" * 64)
        none = run(tmp_path, "status", "--address", address, token=None)
    silent = run(tmp_path, "status", "--address", address)
    for done, says in ((wrong, "refused our token"), (none, "ray get-auth-token"), (silent, "nothing answers at")):
        assert (done.returncode, done.stdout) == (3, "")
        assert says in done.stderr
        assert "Traceback" not in done.stderr
        assert "f" * 64 not in done.stderr


@pytest.mark.skipif(find_spec("aiohttp") is not None, reason="the extra 'cluster' is installed")
def test_without_the_extra_it_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "status", "--address", "http://127.0.0.1:9")
    assert done.returncode == 3
    assert "relu-frontier[cluster]" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["digits", "--address", "head:6379", "--home", "/srv/f"], "http://HOST:8265"),
        (["digits", "--address", "http://head:8265"], "absolute path of a folder that every node sees"),
        (["digits", "--address", "http://head:8265", "--home", "/srv/f", "--data", "data"], "--data"),
        (["digits", "--address", "http://head:8265", "--home", "/srv/f", "--trails", "3"], "--trails"),
        (["digits", "--address", "http://head:8265", "--home", "/srv/f", "--trials", "few"], "--trials"),
        (["digit", "--address", "http://head:8265", "--home", "/srv/f"], "Did you mean 'digits'"),
        (["--trials", "3", "digits", "--address", "http://head:8265", "--home", "/srv/f"], "the space comes first"),
    ],
)
def test_what_search_would_refuse_is_refused_before_it_is_sent(words: list[str], says: str) -> None:
    done = CliRunner().invoke(app, ["submit", *words])
    assert isinstance(done.exception, InputError | SystemExit)
    assert done.exit_code == 2 or isinstance(done.exception, InputError)
    assert says in f"{done.exception} {done.output}"


def test_a_space_outside_of_the_working_tree_does_not_travel(
    tmp_path: Path, space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "tree"
    inside.mkdir()
    monkeypatch.chdir(inside)
    with pytest.raises(InputError, match="outside of the working tree"):
        submit(str(space), address="http://head:8265", home="/srv/f")


def test_a_storages_url_is_not_sent_with_a_job() -> None:
    with pytest.raises(InputError, match="FRONTIER_STORAGE") as refused:
        submit("digits", address="http://head:8265", home="/srv/f", options=["--storage=postgresql://me:secret@host/d"])
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("option", ["--warm-start", "--enqueue", "--reports"])
def test_no_url_of_a_job_names_a_user(option: str) -> None:
    words = [option, "s3://me:secret@bucket/home"]
    with pytest.raises(InputError, match="holds a user or a password") as refused:
        submit("digits", address="http://head:8265", home="/srv/f", options=words)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("words", [["--storage", "URL"], ["--storage=URL"]])
def test_nor_is_it_left_out_of_one_in_silence(tmp_path: Path, words: list[str]) -> None:
    given = [word.replace("URL", "postgresql://me:secret@host/d") for word in words]
    done = run(tmp_path, "submit", "digits", "--address", "http://127.0.0.1:9", "--home", "/srv/f", *given)
    assert (done.returncode, done.stdout) == (2, "")
    assert "FRONTIER_STORAGE" in done.stderr
    assert "secret" not in done.stderr


def test_doctor_finds_this_machine_fit_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FRONTIER_DATA", raising=False)
    remarks = {remark.about: remark for remark in doctor(home=tmp_path)}
    assert {"versions", "processors", "GPU", "home", "data", "token", "ports", "engine crypten"} <= set(remarks)
    assert remarks["home"].state == "ok"
    assert [remark for remark in remarks.values() if remark.state == "problem"] == []
    assert all(remark.to_do for remark in remarks.values() if remark.state != "ok")


def test_doctor_ends_with_5_where_home_or_data_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    words = ["doctor", "--home", str(tmp_path / "file" / "home"), "--data", str(tmp_path / "absent"), "--json"]
    done = CliRunner().invoke(app, words)
    remarks = {remark["about"]: remark for remark in json.loads(done.stdout)}
    assert (remarks["home"]["state"], remarks["data"]["state"]) == ("problem", "problem")
    assert done.exit_code == 5


def test_doctor_warns_loudly_of_a_cluster_that_answers_without_a_token(tmp_path: Path) -> None:
    with served(JOBS, token=None) as address:
        open_to_all = run(tmp_path, "doctor", "--address", address)
    assert open_to_all.returncode == 5
    assert "ANSWERS WITHOUT A TOKEN" in " ".join(open_to_all.stdout.split())
    assert TOKEN not in open_to_all.stdout


def test_doctor_is_content_with_one_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontier.driver.jobs.jobs", lambda address: [])
    with served(JOBS) as address:
        remarks = {remark.about: remark for remark in jobs_api(address)}
    assert [remark.state for remark in remarks.values()] == ["ok", "ok"]
    assert "refuses whoever has no token" in remarks["jobs API"].found
