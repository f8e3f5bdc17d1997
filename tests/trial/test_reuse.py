"""What trials share: the record says what was reused, and is otherwise that of a trial that made everything itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frontier.results.migrate import read_record
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

KNOBS: dict[str, dict[str, Any]] = {
    "snl": {"penalty": 0.01, "growth": 1.5, "patience_epochs": 1, "max_epochs": 12, "mask_lr": 0.03, "batch": 50,
            "exact": True, "search_seed": 5},
    "autorep": {"epochs": 6, "score_lr": 0.1, "batch": 50, "warmup_steps": 10, "exact": True, "search_seed": 5},
}  # fmt: skip


def at(spec: TrialSpec, method: str, budget: int) -> TrialSpec:
    changed = {"method": method, "knobs": KNOBS[method], "relu_budget": budget}
    return TrialSpec.model_validate(spec.model_dump() | changed)


def said(folder: Path) -> dict[str, Any]:
    reused: dict[str, Any] = json.loads((folder / "record.json").read_bytes())["origin"].get("reused", {})
    return reused


@pytest.mark.parametrize("method", ["snl", "autorep"])
def test_a_record_with_reuse_is_the_one_without(spec: TrialSpec, tmp_path: Path, method: str) -> None:
    runtime = Runtime(home=tmp_path / "home")
    without = replace(runtime, trajectories_bytes=0)
    for budget in (120, 40, 0):
        mine, alone = tmp_path / f"shared-{budget}", tmp_path / f"alone-{budget}"
        found, expected = run(at(spec, method, budget), mine, runtime), run(at(spec, method, budget), alone, without)
        assert found.state == "complete"
        assert found.comparable() == expected.comparable()
        for name in ("weights.safetensors", "mask.safetensors"):
            assert (mine / name).read_bytes() == (alone / name).read_bytes()
        assert "search" not in said(alone)
    assert "search" in said(mine)


def test_the_record_names_what_was_there_already(spec: TrialSpec, tmp_path: Path) -> None:
    runtime = Runtime(home=tmp_path / "home")
    first = run(at(spec, "snl", 60), tmp_path / "first", runtime)
    assert "reused" not in json.loads((tmp_path / "first" / "record.json").read_bytes())["origin"]
    assert first.origin.reused == {}
    again = run(at(spec, "snl", 60), tmp_path / "again", runtime)
    assert set(again.origin.reused) == {"teacher", "search", "corruptions/validation", "corruptions/test"}
    assert again.origin.reused["teacher"] == spec.teacher_hash
    assert again.origin.reused["corruptions/test"] == "gaussian_noise, contrast"
    assert again.comparable() == first.comparable()
    assert read_record((tmp_path / "again" / "record.json").read_bytes(), where="record") == again


def test_what_a_method_caches_is_named_too(spec: TrialSpec, tmp_path: Path) -> None:
    knobs = {"mask_epochs": 2, "mask_batch": 50, "proxy_epochs": 1}
    asked = TrialSpec.model_validate(spec.model_dump() | {"method": "senet", "knobs": knobs})
    runtime = Runtime(home=tmp_path / "home")
    records: list[TrialRecord] = [run(asked, tmp_path / name, runtime) for name in "ab"]
    assert "sensitivity" not in records[0].origin.reused
    assert records[1].origin.reused["sensitivity"].startswith("sensitivity-")
