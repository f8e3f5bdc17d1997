"""Rehearsing a trial: every method as it is, nothing written, and what is shared apart from what is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from frontier import registry
from frontier.results.spec import TrialSpec
from frontier.training.context import Context
from frontier.trial.appraise import corrupting_s
from frontier.trial.rehearse import Rehearsed, rehearse
from frontier.trial.run import run
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source

sys.path.insert(0, str(Path(__file__).parents[1] / "methods"))
from method_task import SMALL_KNOBS


def source_of(spec: TrialSpec, home: Path) -> Source:
    return Source.of(spec.data, None, home=home)


def rehearsed(spec: TrialSpec, home: Path) -> Rehearsed:
    def context_of(folder: Path) -> Context:
        return Context(device=torch.device("cpu"), checkpoints=folder)

    return rehearse(spec, source_of(spec, home), home, context_of)


@pytest.mark.parametrize("method", registry.names("method"))
def test_every_method_is_rehearsed_by_its_own_code_and_leaves_nothing(
    method: str, spec: TrialSpec, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    found = rehearsed(spec.model_copy(update={"method": method, "knobs": SMALL_KNOBS.get(method, {})}), home)
    assert not home.exists()
    assert {"teacher", "measure_teacher", "linearize", "measure"} <= found.stages.keys()
    assert all(0 <= span.low <= span.high for span in [*found.stages.values(), *found.shared.values()])
    assert found.stages["linearize"].high > 0
    assert any(name.startswith("teacher-") for name in found.shared)
    assert found.notes == ()


def test_what_is_there_is_not_trained_again(spec: TrialSpec, tmp_path: Path) -> None:
    spec = spec.model_copy(update={"method": "senet", "knobs": SMALL_KNOBS["senet"]})
    before = rehearsed(spec, tmp_path)
    assert sorted(name.partition("-")[0] for name in before.shared) == ["sensitivity", "teacher"]
    assert corrupting_s(source_of(spec, tmp_path), spec.measure)[1] > 0
    run(spec, tmp_path / "trial", Runtime(home=tmp_path))
    assert rehearsed(spec, tmp_path).shared == {}
    assert corrupting_s(source_of(spec, tmp_path), spec.measure) == (0.0, 0)


def test_more_epochs_take_longer_and_more_images_to_be_measured_too(spec: TrialSpec, tmp_path: Path) -> None:
    long = spec.finetune.model_copy(update={"epochs": 2000})
    short, longer = rehearsed(spec, tmp_path), rehearsed(spec.model_copy(update={"finetune": long}), tmp_path)
    assert longer.stages["linearize"].low > 10 * short.stages["linearize"].low
    harder = spec.measure.model_copy(update={"attack_steps": 200, "attack_images": None})
    attacked = rehearsed(spec.model_copy(update={"measure": harder}), tmp_path)
    assert attacked.stages["measure"].low > 10 * short.stages["measure"].low


def test_a_search_that_may_end_early_has_a_low_end_of_one_epoch(spec: TrialSpec, tmp_path: Path) -> None:
    patient = spec.model_copy(update={"knobs": {**spec.knobs, "max_epochs": 1000}})
    found = rehearsed(patient, tmp_path)
    assert found.may_end
    assert found.stages["linearize"].low < found.stages["linearize"].high / 50
    all_of_them = rehearsed(patient.model_copy(update={"relu_budget": 192}), tmp_path)  # it ends after its first epoch
    assert all_of_them.stages["linearize"].high < found.stages["linearize"].high / 50


def test_snapshots_are_points(spec: TrialSpec, tmp_path: Path) -> None:
    found = rehearsed(spec.model_copy(update={"knobs": {**spec.knobs, "snapshots": ("50%", 100, 20)}}), tmp_path)
    assert found.points == 3  # 20 lies below the asked budget


def test_the_files_are_about_as_large_as_a_trials(spec: TrialSpec, tmp_path: Path) -> None:
    found = rehearsed(spec, tmp_path)
    run(spec, folder := tmp_path / "trial", Runtime(home=tmp_path))
    assert found.sizes.weights == (folder / "weights.safetensors").stat().st_size
    assert found.sizes.masks == pytest.approx((folder / "mask.safetensors").stat().st_size, rel=0.1)
    real = sum((folder / name).stat().st_size for name in ("record.json", "spec.json"))
    assert found.sizes.record == pytest.approx(real, rel=0.2)


def test_a_method_that_fails_in_the_rehearsal_says_so(spec: TrialSpec, tmp_path: Path) -> None:
    found = rehearsed(spec.model_copy(update={"knobs": {**spec.knobs, "on_exhaustion": "error"}}), tmp_path)
    assert "the rehearsal stopped at 'snl: after 4 epochs" in found.notes[0]
