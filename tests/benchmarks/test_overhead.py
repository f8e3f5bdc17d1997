"""The benchmark of overhead on small numbers: all runners finish all trials, and a large study is resumed whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2] / "benchmarks" / "overhead"
NUMBERS = ["--trials", "6", "--repeats", "1", "--records", "30"]


@pytest.mark.slow
def test_it_prints_every_runner_and_what_a_large_study_takes() -> None:
    command = [sys.executable, str(HERE), *NUMBERS]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = dict(re.findall(r"^\| (frontier, \w+|Optuna, .*?|resume.*?) \| ([\d.]+)", printed, re.MULTILINE))
    runners = {"frontier, ray", "frontier, inline", "Optuna, pool, SQLite", "Optuna, pool, in memory"}
    assert rows.keys() == runners | {"resume", "resume without the sampler's database"}
    assert "6 trials that do nothing" in printed
    assert f"{len(os.sched_getaffinity(0))} cores" in printed
    assert "a study of 30 records of" in printed
    assert re.search(r"then 20 trials: \d+ ms to ask, \d+ ms to tell", printed)
