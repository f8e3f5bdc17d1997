"""The benchmark of reuse on a tiny question: it goes on where it was, and prints what it measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUDGETS = (153, 76, 19)  # of 192 ReLUs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was run, to its end."""
    found = tmp_path_factory.mktemp("reuse")
    reuse(found, "--seeds", "1")
    return found


def reuse(folder: Path, *more: str) -> str:
    command = [sys.executable, str(ROOT / "benchmarks" / "reuse"), "tiny", "--home", str(folder / "home")]
    command += ["--evidence", str(folder / "evidence.json"), *more]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_sides_have_all_budgets_and_one_trajectory_is_the_full_run(folder: Path) -> None:
    found = json.loads((folder / "evidence.json").read_text())
    for method in ("snl", "autorep"):
        for side in ("full", "trajectory"):
            trials = [one for one in found["trials"] if (one["side"], one["method"]) == (side, method)]
            assert tuple(one["relu_budget"] for one in trials) == BUDGETS
            assert any("search" in one["reused"] for one in trials) == (side == "trajectory")
            assert all("teacher" in one["reused"] for one in trials)
        (extras,) = (one for one in found["trials"] if (one["side"], one["method"]) == ("snapshots", method))
        assert "search" not in extras["reused"]
    assert list(found["same_record"].values()) == [True] * 6
    made, reused = (one for one in found["trials"] if one["method"] == "senet")
    assert made["reused"] == {}
    assert set(reused["reused"]) == {"teacher", "sensitivity", "corruptions/validation", "corruptions/test"}


def test_a_trial_that_was_cut_off_begins_anew_with_what_was_on_the_shelf(folder: Path) -> None:
    cut = folder / "home" / "tiny" / "trials" / "trajectory-snl-0-19"
    (cut / "record.json").unlink()
    before = json.loads((folder / "evidence.json").read_text())["trials"]
    printed = reuse(folder, "--seeds", "1")
    after = json.loads((folder / "evidence.json").read_text())["trials"]
    assert len(after) == len(before)
    assert "snl: points per hour" in printed
    assert "in every number: 3 of 3" in printed
    assert printed == reuse(folder, "--report")
