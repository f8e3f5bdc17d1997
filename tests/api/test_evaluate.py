"""Evaluating a study's points: what the records gain, what they keep, what is skipped, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import frontier
from frontier import registry
from frontier.api.evaluate import Findings, Progress
from frontier.cli._app import app
from frontier.errors import BlockedError, InputError, Interrupted
from frontier.masks.file import load as load_mask
from frontier.masks.file import save as save_mask
from frontier.masks.mask import Mask
from frontier.results.evaluation import Check, Evaluation
from frontier.results.migrate import read_record
from frontier.results.store import write_record
from frontier.trial.battery import Effort
from frontier.trial.health import CHECKS
from frontier.trial.subject import Subject, add

FEW = "40 images: a check that allows for 3 of them can hardly fail; take 200 or more"
QUICK = Effort(steps=3, long_steps=4, restarts=2, attack_steps=2)
SPACE = """
question: Is it sound?
data: {name: digits, train_images: 300}
network: {name: tinynet, options: {width: 2}}
teacher: {recipe: {epochs: 3, optimizer: adam, lr: 0.02, batch: 50}}
relu_budget: {log: [0, 100%]}
anchors: [100%, 0]
methods:
  snl: {penalty: 0.01, max_epochs: 4, mask_lr: 0.05, batch: 50, exact: yes}
finetune: {epochs: 3, optimizer: adam, lr: 0.02, batch: 50}
measure: {corruptions: [contrast], severities: [3], corrupted_images: 50, attack_steps: 2, attack_images: 50}
search: {trials: 2, sampler: random}
"""
Evaluate = Callable[..., Findings]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a study of two trials, both with their weights."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "sound.yaml").write_text(SPACE)
    frontier.search(folder / "sound.yaml", home=folder / "home", backend="inline", keep="all")
    return folder / "home"


@pytest.fixture
def study(made: Path, tmp_path: Path) -> frontier.StudyView:
    """A copy of it, that a test may spoil."""
    shutil.copytree(made, tmp_path / "home")
    return frontier.open_study("sound", tmp_path / "home")


@pytest.fixture
def evaluate(study: frontier.StudyView) -> Evaluate:
    """Both trials on a few images, with little effort."""

    def call(**changes: Any) -> Findings:
        asked = {"home": study.home, "attack": "pgd", "n": 40, "eps": [8.0], "trials": [0, 1], "effort": QUICK}
        return frontier.evaluate("sound", **asked | changes)

    return call


def records(study: frontier.StudyView) -> dict[int, str]:
    return {trial: (study.files.trial_folder(trial) / "record.json").read_text() for trial in (0, 1)}


def without_evaluations(text: str) -> str:
    """The text of a record without the lines of that field: every other byte is left as it is."""
    return re.sub(r'^ "evaluations": \[\n.*?^ \],\n', "", text, flags=re.MULTILINE | re.DOTALL)


def test_a_record_gains_an_evaluation_and_keeps_all_else(study: frontier.StudyView, evaluate: Evaluate) -> None:
    before = records(study)
    findings = evaluate(eps=[8.0, 4])
    assert [(found.address, found.fresh) for found in findings.evaluated] == [("0", True), ("1", True)]
    assert findings.notes == (FEW,)
    for trial, text in records(study).items():
        assert without_evaluations(text) == before[trial]
        (found,) = study.trial(trial).evaluations
        assert (found.kind, found.name, found.split, found.n) == ("attack", "pgd", "test", 40)
        assert list(found.accuracies)[:5] == ["clean", "fgsm/4", "pgd-3/4", "pgd-4x2/4", "worst/4"]
        assert found.accuracies["worst/8"].value <= found.accuracies["worst/4"].value <= found.accuracies["clean"].value
        assert found.settings["eps_255"] == (4.0, 8.0)
        verdicts = {check.name: check.passed for check in found.checks}
        assert (len(found.checks), set(verdicts)) == (len(CHECKS), set(CHECKS))
        assert verdicts["deployed"] is verdicts["untouched"] is True
        assert found.libraries["torch"] == torch.__version__.partition("+")[0]


def test_what_a_point_has_is_skipped_unless_it_is_asked_for_again(
    study: frontier.StudyView, evaluate: Evaluate
) -> None:
    evaluate()
    before = records(study)
    skipped = evaluate()
    assert [found.fresh for found in skipped.evaluated] == [False, False]
    assert skipped.notes[:2] == (FEW, "0: attack (pgd) is in its record already; --again makes it anew")
    assert records(study) == before
    again = evaluate(again=True, trials=["1"])
    assert [found.fresh for found in again.evaluated] == [True]
    assert len(study.trial(1).evaluations) == 2
    other = evaluate(eps=[2.0])
    assert [found.fresh for found in other.evaluated] == [True, True]
    counting = next(found for found in study.points() if found.address == "1").evaluations
    assert counting == study.trial(1).evaluations[:0:-1]  # the other one, and the first one as it was made again
    assert [found.settings["eps_255"] for found in counting] == [(2.0,), (8.0,)]


def test_a_failed_check_is_not_outlived_by_a_weaker_evaluation(study: frontier.StudyView, evaluate: Evaluate) -> None:
    evaluate(trials=[0])
    record = study.trial(0)
    (found,) = record.evaluations
    flagged = found.model_copy(update={"checks": (Check(name="order", passed=False, found="seen"),)})
    write_record(study.files.trial_folder(0), record.model_copy(update={"evaluations": (flagged,)}))
    for weaker in ({"n": 20}, {"eps": [0.1]}, {"effort": Effort(1, 1, 1, 1)}, {"attack": "fgsm"}):
        evaluate(trials=[0], **weaker)
        assert next(found for found in study.points() if found.address == "0").flags == ("order",)
    evaluate(trials=[0], again=True)
    assert next(found for found in study.points() if found.address == "0").flags == ()


def test_autoattack_stands_in_the_record_as_reduced(study: frontier.StudyView, evaluate: Evaluate) -> None:
    evaluate(attack="autoattack", n=20, trials=[0])
    (found,) = study.trial(0).evaluations
    assert found.settings["version"] == "reduced to 2 iterations"
    assert "pyautoattack" in found.libraries
    assert found.accuracies["worst/8"].value <= found.accuracies["autoattack/8"].value
    assert next(check for check in found.checks if check.name == "square").passed is not None


def test_an_attack_of_ones_own_is_the_strongest_of_its_battery(study: frontier.StudyView, evaluate: Evaluate) -> None:
    evaluate(attack="bim", n=20, trials=[0])
    (found,) = study.trial(0).evaluations
    assert list(found.accuracies) == ["clean", "fgsm/8", "pgd-3/8", "pgd-4x2/8", "bim/8", "worst/8"]
    assert found.settings["attack_steps"] == 2


def test_an_attack_that_changes_the_network_is_flagged(
    study: frontier.StudyView, evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(model: torch.nn.Module, pixels: torch.Tensor, labels: torch.Tensor, **_: object) -> torch.Tensor:
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer += 1e-6
        return pixels.clone()

    load, careless = registry.load, SimpleNamespace(run=run)
    monkeypatch.setattr(registry, "load", lambda axis, name: careless if name == "careless" else load(axis, name))
    evaluate(attack="careless", n=20, trials=[0])
    (found,) = study.trial(0).evaluations
    (check,) = [check for check in found.checks if check.name == "untouched"]
    assert (check.passed, check.found) == (False, "changed: body.bn1.running_mean, body.bn2.running_mean")
    assert "untouched" in next(point for point in study.points() if point.address == "0").flags


def test_corruptions_have_an_mce_relative_to_a_named_reference(study: frontier.StudyView, evaluate: Evaluate) -> None:
    only = {"attack": "none", "corruptions": "common", "n": 20, "trials": [0]}
    (own,) = evaluate(**only, reference="0").evaluated
    assert own.evaluation.metrics == {"trial 0": pytest.approx(100)}
    (found,) = evaluate(**only).evaluated
    assert found.fresh
    assert len(found.evaluation.accuracies) == 15 * 5 + 1
    assert found.evaluation.name == "common corruptions on digits, scaled rules (not CIFAR-C)"
    assert list(found.evaluation.metrics) == ["teacher"]
    assert found.evaluation.settings["reference_teacher"] == study.trial(0).spec.teacher_hash
    (constants,) = evaluate(**only, reference="alexnet").evaluated
    assert list(constants.evaluation.metrics) == ["alexnet (ImageNet-C's constants)"]
    assert constants.evaluation.accuracies == found.evaluation.accuracies


def test_held_out_corruptions_stand_beside_the_common_ones(study: frontier.StudyView, evaluate: Evaluate) -> None:
    only = {"attack": "none", "n": 20, "trials": [0]}
    for group, fresh in (("common", True), ("held_out", True), ("common", False)):
        (found,) = evaluate(**only, corruptions=group).evaluated
        assert found.fresh is fresh
    point = next(found for found in study.points() if found.address == "0")
    counting = {one.name: set(one.settings["corruptions"]) for one in point.evaluations}
    label = "common corruptions on digits, scaled rules (not CIFAR-C)"
    assert list(counting) == [label, f"{label}, held-out"]
    assert len(counting[label]) == 15
    assert counting[f"{label}, held-out"] == {"gaussian_blur", "saturate", "spatter", "speckle_noise"}


def test_a_kill_loses_the_point_in_work_alone(study: frontier.StudyView, evaluate: Evaluate) -> None:
    script = f"""
import os, signal
import frontier
from frontier.trial.battery import Effort
from frontier.trial.health import CHECKS
def stop(progress):
    if progress.done == 1 and progress.step.done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
frontier.evaluate("sound", home={str(study.home)!r}, attack="pgd", n=40, eps=[8.0], trials=[0, 1],
                  effort=Effort(3, 4, 2, 2), on_progress=stop)
"""
    before = records(study)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert records(study)[1] == before[1]
    assert [found.fresh for found in evaluate().evaluated] == [False, True]
    assert len(study.trial(0).evaluations) == len(study.trial(1).evaluations) == 1


def test_after_ctrl_c_what_was_finished_is_kept(study: frontier.StudyView, evaluate: Evaluate) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="finished are kept"):
        evaluate(on_progress=stop)
    assert len(study.trial(0).evaluations) == 1
    assert [found.fresh for found in evaluate().evaluated] == [False, True]


def test_more_images_than_there_are_means_all_of_them(evaluate: Evaluate) -> None:
    findings = evaluate(attack="fgsm", n=5000, trials=[0])
    assert findings.evaluated[0].evaluation.n == 360
    assert findings.notes == ("the test split has 360 images: all of them are used, not 5000",)


def test_a_network_that_is_not_the_recorded_one_is_flagged(study: frontier.StudyView, evaluate: Evaluate) -> None:
    folder = study.files.trial_folder(1)
    mask = load_mask(folder / "mask.safetensors")
    save_mask(Mask.ones(mask.sites), folder / "mask.safetensors", network="tinynet", dataset="digits")
    findings = evaluate(trials=[1])
    (check,) = [check for check in findings.evaluated[0].evaluation.checks if check.passed is False]
    assert check.name == "deployed"
    assert "it evaluates 192 ReLUs, the record says 0" in check.found
    flagged = next(found for found in study.points() if found.address == "1")
    assert (flagged.checked, flagged.flags) == (True, ("deployed",))
    shown = CliRunner().invoke(app, ["evaluate", "sound", "--home", str(study.home), "--trial", "1", "--attack",
                                     "fgsm", "--n", "20", "--eps", "8", "--progress", "none"])  # fmt: skip
    assert shown.exit_code == 0
    assert "CHECK FAILED  1: deployed" in shown.stdout


def test_show_and_pandas_say_what_was_found(study: frontier.StudyView, evaluate: Evaluate) -> None:
    assert {str(health) for health in study.to_pandas()["health"]} == {""}
    evaluate(trials=[found.address for found in study.front()])
    for row in json.loads(json.dumps(study.summary()))["front"]:
        (found,) = row["evaluations"]
        failed = sorted(check["name"] for check in found["checks"] if check["passed"] is False)
        assert row["health"] == {"checked": True, "failed": failed}
    assert {"health", "address"} <= set(study.to_pandas().columns)
    assert "evaluations" not in study.to_pandas().columns


def test_the_command_prints_json_and_keeps_progress_on_stderr(study: frontier.StudyView) -> None:
    words = ["evaluate", "sound", "--home", str(study.home), "--attack", "fgsm", "--n", "20", "--eps", "8"]
    done = CliRunner().invoke(app, [*words, "--json", "--progress", "plain"])
    found = json.loads(done.stdout)
    assert [point["fresh"] for point in found["points"]] == [True] * len(study.front())
    assert set(found["points"][0]["evaluation"]["accuracies"]) == {"clean", "fgsm/8", "worst/8"}
    assert "fgsm/8" in done.stderr
    again = CliRunner().invoke(app, [*words, "--progress", "none"])
    assert "is in its record already" in again.stdout
    assert again.stderr == ""


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"attack": "autoatack"}, "unknown attack 'autoatack'"),
        ({"attack": "none"}, "nothing to evaluate"),
        ({"n": 0}, "--n: no images"),
        ({"eps": [0.0]}, "--eps: not an attack strength"),
        ({"eps": [8.0, -1.0]}, "got: -1.0"),
        ({"eps": [float("nan")]}, "--eps: not an attack strength"),
        ({"threads": 0}, "--threads"),
        ({"trials": [7]}, "has no point 7"),
        ({"trials": ["0.3"]}, "has no point 0.3"),
        ({"trials": ["first"]}, "not a trial"),
        ({"corruptions": "comon"}, "Did you mean 'common'"),
        ({"corruptions": "official"}, "has no official corrupted images"),
        ({"corruptions": "common", "reference": "techer"}, "Did you mean 'teacher'"),
        ({"corruptions": "common", "reference": "9"}, "has no point 9"),
        ({"corruptions": "held_out", "reference": "alexnet"}, "says nothing on"),
        ({"device": "tpu"}, "unknown device"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    study: frontier.StudyView, evaluate: Evaluate, changes: dict[str, Any], says: str
) -> None:
    before = sorted(str(path) for path in study.home.rglob("*"))
    with pytest.raises(InputError) as refused:
        evaluate(**changes)
    assert says in str(refused.value)
    assert sorted(str(path) for path in study.home.rglob("*")) == before


def test_weights_a_teacher_and_a_front_that_are_missing_are_said(study: frontier.StudyView, evaluate: Evaluate) -> None:
    shutil.rmtree(study.home / "teachers")
    with pytest.raises(InputError, match="the teacher of trial 0 is not there"):
        evaluate(corruptions="common")
    (study.files.trial_folder(1) / "weights.safetensors").unlink()
    with pytest.raises(InputError, match="the weights of 1 were not kept"):
        evaluate()
    assert study.trial(0).evaluations == ()
    for trial in (0, 1):
        shutil.rmtree(study.files.trial_folder(trial))
    with pytest.raises(InputError, match="has no front yet"):
        evaluate(trials=[])


def test_a_missing_package_is_said_before_any_work(
    study: frontier.StudyView, evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith("pyautoattack.")] or ["pyautoattack"]:
        monkeypatch.setitem(sys.modules, module, None)
    before = records(study)
    with pytest.raises(BlockedError, match="pip install"):
        evaluate(attack="autoattack")
    assert records(study) == before


def test_a_record_of_long_ago_keeps_what_it_said(tmp_path: Path) -> None:
    """Fields that came later are written with what they mean for it; nothing else is another."""
    text = (Path(__file__).parents[1] / "results" / "record_v1.json").read_text()
    old = Subject(tmp_path, 0, 0, read_record(text.encode(), where="x"))
    (tmp_path / "record.json").write_text(text)
    add(old, Evaluation(point=0, kind="attack", name="pgd", n=1, accuracies={}, code_version="0", device="cpu"))

    def kept(before: Any, after: Any) -> bool:
        if isinstance(before, dict):
            return all(key in after and kept(value, after[key]) for key, value in before.items())
        if isinstance(before, list):
            return len(before) == len(after) and all(map(kept, before, after))
        return bool(before == after)

    written = json.loads((tmp_path / "record.json").read_text())
    assert kept(json.loads(text), written)
    assert len(written["evaluations"]) == 1
