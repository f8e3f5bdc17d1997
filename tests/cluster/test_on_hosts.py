"""Submit, status and doctor against a real head node: what its owner gets, and what somebody without the token gets."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hosts
import pytest

from frontier.results.store import Study

pytest.importorskip("aiohttp", reason="Ray's dashboard and job client need the extra 'cluster'")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("namespaces")]


@pytest.fixture(scope="module")
def cluster(namespaces: None, database: hosts.Database) -> Iterator[hosts.Cluster]:
    with hosts.cluster(workers=1, dashboard=True, database=database) as made:
        yield made


def frontier(on: hosts.Host, cwd: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "frontier", *map(str, words)]
    if environment:
        command = ["env", *(f"{name}={value}" for name, value in environment.items()), *command]
    door = on.start(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, errors = door.communicate(timeout=180)
    return subprocess.CompletedProcess(command, door.returncode, out, errors)


@pytest.fixture
def tree(tmp_path: Path, space: Path) -> Path:
    """A working directory with a space, and with results that must not travel."""
    folder = tmp_path / "tree"
    (folder / "results" / "studies").mkdir(parents=True)
    (folder / "results" / "studies" / "large.bin").write_bytes(bytes(1000))
    shutil.copy(space, folder / "machinery.yaml")
    return folder


def test_a_search_is_submitted_followed_to_its_end_and_listed(
    cluster: hosts.Cluster, tree: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    given = ["--address", cluster.jobs]
    sent = frontier(
        cluster.head, tree, "submit", "machinery.yaml", *given, "--home", home, "--trials", 2, "--name", "far"
    )
    assert sent.returncode == 0, sent.stderr
    assert "without a token" not in sent.stderr
    name = sent.stdout.strip()
    assert name.startswith("frontier-far-")

    followed = frontier(cluster.head, tree, "status", name, *given, "--follow")
    assert followed.returncode == 0, followed.stdout + followed.stderr
    assert "2 complete" in followed.stdout
    assert "SUCCEEDED" in followed.stderr
    study = Study(home, "far")
    assert [study.record(trial).state for trial in (0, 1)] == ["complete", "complete"]
    assert {(study.record(trial).origin.host or "").split()[0] for trial in (0, 1)} == {"worker1"}
    assert not list(home.glob("**/*.bin"))

    listed = json.loads(frontier(cluster.head, tree, "status", *given, "--json").stdout)
    assert [(one["id"], one["study"], one["state"]) for one in listed] == [(name, "far", "SUCCEEDED")]
    unknown = frontier(cluster.head, tree, "status", name + "0", *given)
    assert unknown.returncode == 2
    assert f"Did you mean '{name}'" in unknown.stderr

    token = cluster.token.read_text()
    kept = [path for folder in (home, cluster.head.temporary) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in kept if token.encode() in path.read_bytes()] == []


def test_nobody_without_the_token_or_with_another_is_let_in(cluster: hosts.Cluster, tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("0" * 64)
    asked = ["status", "--address", cluster.jobs]
    wrong = frontier(cluster.head, tree, *asked, RAY_AUTH_TOKEN_PATH=str(other))
    assert (wrong.returncode, wrong.stdout) == (3, "")
    assert "refused our token" in wrong.stderr
    none = frontier(cluster.head, tree, *asked, RAY_AUTH_TOKEN_PATH="")
    assert none.returncode == 3
    assert "ray get-auth-token --generate" in none.stderr
    joined = frontier(
        cluster.head, tree, "search", "machinery.yaml", "--address", cluster.gcs, RAY_AUTH_TOKEN_PATH=str(other)
    )
    assert joined.returncode == 3, joined.stderr
    assert "no Ray cluster let us in" in joined.stderr


def test_nothing_answers_where_there_is_no_cluster(cluster: hosts.Cluster, tree: Path) -> None:
    done = frontier(cluster.head, tree, "status", "--address", f"http://{cluster.head.address}:9")
    assert done.returncode == 3
    assert "nothing answers at" in done.stderr
    done = frontier(cluster.head, tree, "search", "machinery.yaml", "--address", f"{cluster.head.address}:9")
    assert done.returncode == 3
    assert "no Ray cluster let us in" in done.stderr


def test_doctor_looks_at_the_jobs_api_and_at_every_node(cluster: hosts.Cluster, tree: Path) -> None:
    done = frontier(cluster.head, tree, "doctor", "--address", cluster.gcs, "--home", tree / "results", "--json")
    remarks = {remark["about"]: remark for remark in json.loads(done.stdout)}
    nodes = [remark for about, remark in remarks.items() if about.startswith("node ")]
    assert [node["state"] for node in nodes] == ["ok", "ok"], nodes
    assert remarks["jobs API"]["state"] == "ok"
    assert remarks["job client"]["state"] == "ok"
    assert remarks["ports"]["state"] == "warning"
    assert str(hosts.GCS) in remarks["ports"]["found"]
    assert done.returncode == 0


def test_doctor_says_loudly_that_a_cluster_is_open_to_all(namespaces: None, tree: Path, tmp_path: Path) -> None:
    with hosts.cluster(workers=0, dashboard=True, token=False) as open_to_all:
        known = {"RAY_AUTH_TOKEN_PATH": str(open_to_all.token)}
        at = ["--address", open_to_all.jobs]
        done = frontier(open_to_all.head, tree, "doctor", *at, **known)
        assert done.returncode == 5
        assert "ANSWERS WITHOUT A TOKEN" in " ".join(done.stdout.split())
        sent = frontier(open_to_all.head, tree, "submit", "machinery.yaml", *at, "--home", tmp_path / "home", **known)
        assert "answers without a token" in sent.stderr
