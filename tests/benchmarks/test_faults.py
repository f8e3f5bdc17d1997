"""The fault matrix: a quick row is played, what is broken is found, and the document says what the evidence does."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
FAULTS = ROOT / "benchmarks" / "faults"
MARKERS = ("<!-- benchmarks/faults: begin -->\n\n", "\n\n<!-- benchmarks/faults: end -->")


def faults(*words: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(FAULTS), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def examine() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults_examine", FAULTS / "examine.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_document_says_what_the_evidence_says_and_nothing_came_to_harm() -> None:
    reported = faults("--report")
    assert reported.returncode == 0, reported.stdout + reported.stderr
    _, _, rest = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").partition(MARKERS[0])
    table, _, _ = rest.partition(MARKERS[1])
    assert table == reported.stdout.rstrip("\n")


def test_a_driver_killed_in_a_mask_search_is_played_and_written_down_once(tmp_path: Path) -> None:
    given = ["--only", "kill-driver", "--backend", "inline", "--stage", "mask search"]
    done = faults(*given, "--trials", 2, "--evidence", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kill-driver, mask search, inline: ok" in done.stderr
    (row,) = json.loads((tmp_path / "kill-driver.json").read_text())
    found = {
        name: row[name] for name in ("trials", "before", "after", "lost", "duplicated", "half_written", "differing")
    }
    assert found == dict.fromkeys(found, 0) | {"trials": 2, "before": 1, "after": 2}
    assert (row["run_again"], row["went_on"], row["exit_code"]) == (1, "--resume", -9)
    again = faults(*given, "--trials", 2, "--evidence", tmp_path)
    assert again.stdout == done.stdout
    assert again.stderr == ""


def test_what_is_broken_is_found(examine: ModuleType, tmp_path: Path) -> None:
    trial = tmp_path / "studies" / "s" / "trials" / "0"
    trial.mkdir(parents=True)
    (trial / "record.json").write_text('{"version": 1, "tri')
    (trial / "log.txt").write_text("whole\nto")
    (trial / "mask.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    (trial / ".spec.json.abc.tmp").write_text("{}")
    (tmp_path / "studies" / "s" / "events.jsonl").write_text('{"event": "started"}\n{"ev')
    (tmp_path / "studies" / "s" / "study.db").write_bytes(b"not a database" * 100)
    (tmp_path / "studies" / "s" / "study.json").write_text("{}")
    torn = examine.half_written(tmp_path, at_rest=False)
    assert [Path(line.partition(":")[0]).name for line in torn] == [
        "events.jsonl",
        "study.db",
        "log.txt",
        "mask.safetensors",
        "record.json",
    ]
    assert len(examine.half_written(tmp_path, at_rest=True)) == len(torn) + 1


def test_a_row_that_came_to_harm_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "kill-driver.json").write_text(
        json.dumps([{"key": "kill-driver, teacher, inline", "fault": "kill-driver", "stage": "teacher",
                     "backend": "inline", "went_wrong": "--resume ended with 1", "machine": "m", "versions": {},
                     "date": "2026-01-01"}])
    )  # fmt: skip
    reported = faults("--report", "--evidence", tmp_path)
    assert reported.returncode == 1
    assert "| kill -9 of the driver | teacher | inline | went wrong |" in reported.stdout
