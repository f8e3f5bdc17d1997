"""The benchmark of overhead on small numbers: all runners finish all trials, and a large study is resumed whole."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parents[2] / "benchmarks" / "overhead"
NUMBERS = ["--trials", "6", "--repeats", "1", "--records", "30"]


@pytest.fixture
def overhead(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark with its parts run in this process, one after another."""
    spec = importlib.util.spec_from_file_location("overhead", HERE / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def here(name: str, about: Mapping[str, Any]) -> dict[str, float]:
        answer: dict[str, float] = json.loads(json.dumps(module.part(name, about)))
        return answer

    monkeypatch.setattr(module, "apart", here)
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    yield module
    for name in ("large", "nothing", "runners"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_it_prints_every_runner_and_what_a_large_study_takes(overhead: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert overhead.main(NUMBERS) == 0
    printed = capsys.readouterr().out
    rows = dict(re.findall(r"^\| (frontier, \w+|Optuna, .*?|resume.*?) \| ([\d.]+)", printed, re.MULTILINE))
    runners = {"frontier, ray", "frontier, inline", "Optuna, pool, SQLite", "Optuna, pool, in memory"}
    assert rows.keys() == runners | {"resume", "resume without the sampler's database"}
    assert "6 trials that do nothing" in printed
    assert f"{len(os.sched_getaffinity(0))} cores" in printed
    assert "a study of 30 records of" in printed
    assert re.search(r"then 20 trials: \d+ ms to ask, \d+ ms to tell", printed)


def test_a_part_runs_in_a_process_of_its_own() -> None:
    command = [sys.executable, str(HERE), *NUMBERS, "--runners", "frontier, inline", "--records", "0"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.search(r"^\| frontier, inline \| [\d.]+", printed, re.MULTILINE)
