"""What a search will cost: products of what was rehearsed, beside what a real one took."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import frontier
from frontier.api.estimate import assignments, at, estimate
from frontier.api.lookups import load_space
from frontier.cli._estimate import interval, print_estimate, seconds
from frontier.errors import InputError
from frontier.spaces.domain import ChoiceDomain, CountDomain, FloatDomain, IntDomain, LogDomain


def test_an_estimate_writes_nothing_and_can_be_printed_as_json(space: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = json.loads(json.dumps(estimate(space, home=home, concurrency=2), allow_nan=False))
    assert not home.exists()
    assert (found["trials"], found["concurrency"], found["methods"].keys()) == (4, 2, {"snl"})
    assert found["once_s"].keys() == {"teacher", "corruption sets"}
    once = sum(span["high"] for span in found["once_s"].values())
    assert found["search_s"]["high"] == pytest.approx(once + 2 * found["trial_s"]["high"], abs=0.01)
    assert found["disk_bytes"]["all"]["low"] < found["disk_bytes"]["all"]["high"]


def test_time_grows_with_trials_and_falls_with_concurrency_and_disk_with_what_is_kept(
    space: Path, tmp_path: Path
) -> None:
    few, many = (estimate(space, home=tmp_path, trials=trials, concurrency=1) for trials in (1, 1000))
    assert many["search_s"]["low"] > 20 * few["search_s"]["low"]
    none, everything = (estimate(space, home=tmp_path, trials=10, keep=keep) for keep in ("none", "all"))
    assert none["disk_bytes"]["weights"] == {"low": 0, "high": 0}
    assert everything["disk_bytes"]["weights"]["low"] == everything["disk_bytes"]["weights"]["high"] > 0


def test_a_real_study_stands_beside_its_estimate(
    space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    frontier.search(space, home=tmp_path, backend="inline")
    found = estimate(space, home=tmp_path, against="machinery")
    real = found["real"]
    assert (real["study"], real["trials"]) == ("machinery", 4)
    assert real["search_s"] >= sum(sum(stages.values()) for stages in [real["methods"]["snl"]["stages_s"]])
    assert real["methods"]["snl"]["stages_s"].keys() == {"measure_teacher", "linearize", "measure"}
    assert found["once_s"].keys() == {"teacher", "corruption sets"}  # as of a search that finds nothing
    assert estimate(space, home=tmp_path)["once_s"] == {}
    print_estimate(found)
    shown = capsys.readouterr().out
    assert "machinery took" in shown
    assert "machinery: 4 complete trials in" in shown
    assert "assumed: snl: the low end" in shown


def test_what_cannot_be_estimated_is_refused(space: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--trials: nothing to estimate"):
        estimate(space, home=tmp_path, trials=0)
    with pytest.raises(InputError, match="no study 'nothing'"):
        estimate(space, home=tmp_path, against="nothing")
    frontier.search(space, home=tmp_path, backend="inline", trials=1)
    space.write_text(space.read_text().replace("max_epochs: 4", "max_epochs: 5"))
    with pytest.raises(InputError, match="answers another question"):
        estimate(space, home=tmp_path, against="machinery")


def test_three_budgets_are_rehearsed_with_the_other_parameters_at_their_ends_and_middle(space: Path) -> None:
    found = assignments(load_space(str(space)), "snl")
    assert [one["relu_budget"] for one in found] == [0, 13, 192]
    assert [one["finetune.lr"] for one in found] == [0.005, pytest.approx(0.01), 0.02]


def test_the_middle_of_a_domain_is_that_of_its_scale() -> None:
    assert at(CountDomain(low=0, high=99), 0.5) == 9
    assert at(IntDomain(low=1, high=9), 0.5) == 5
    assert at(FloatDomain(low=0.0, high=1.0), 0.5) == 0.5
    assert at(LogDomain(low=1e-4, high=1e-2), 0.5) == pytest.approx(1e-3)
    assert [at(ChoiceDomain(options=("a", "b", "c")), place) for place in (0.0, 0.5, 1.0)] == ["a", "b", "c"]
    assert at(LogDomain(low=1e-4, high=1e-2), 1.0) == 1e-2


def test_amounts_of_time_are_read_at_a_glance() -> None:
    assert [seconds(value) for value in (0.123, 61, 150, 7200, 200_000, 2e8)] == [
        "0.12 s",
        "61 s",
        "2.5 min",
        "2 h",
        "2.3 days",
        "2,315 days",
    ]
    assert interval({"low": 60.0, "high": 90.0}) == "60 to 90 s"
    assert interval({"low": 60.0, "high": 900.0}) == "60 s to 15 min"
    assert interval({"low": 60.0, "high": 60.1}) == "60 s"
