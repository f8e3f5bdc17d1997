"""The trial: the same spec gives the same record; what goes wrong is a state; an interrupted trial goes on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from frontier.errors import BlockedError, InputError
from frontier.results.migrate import read_record
from frontier.results.spec import TrialSpec
from frontier.trial import run as story
from frontier.trial.bundle import assemble
from frontier.trial.run import run
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(home=tmp_path / "home")


def with_(spec: TrialSpec, **changes: object) -> TrialSpec:
    return TrialSpec.model_validate(spec.model_dump() | changes)


def test_a_trial_measures_everything_and_writes_its_record(spec: TrialSpec, runtime: Runtime, tmp_path: Path) -> None:
    record = run(spec, tmp_path / "trial", runtime, trial=3)
    assert read_record((tmp_path / "trial" / "record.json").read_bytes(), where="record") == record
    assert (record.state, record.trial, record.spec) == ("complete", 3, spec)
    (point,) = record.points
    assert point.relu_count == point.counts.full == point.profile.kept == 40
    assert point.counts.inner == 40
    for scores in (point.validation, point.test):
        assert list(scores.parts) == ["gaussian_noise/3", "contrast/3", "pgd/1", "pgd/2", "pgd/4", "pgd/8"]
        attacked = [scores.parts[f"pgd/{eps}"].value for eps in (1, 2, 4, 8)]
        assert scores.adversarial.value == pytest.approx(sum(attacked) / 4)
        assert attacked == sorted(attacked, reverse=True)
        assert scores.clean.n == 360
    assert record.origin.fidelity == "authors_code"
    assert record.origin.libraries["torch"] == torch.__version__.split("+")[0]
    assert set(record.origin.wall_s) == {"teacher", "measure_teacher", "linearize", "measure"}
    files = {path.name for path in (tmp_path / "trial").iterdir()}
    assert files == {"spec.json", "record.json", "mask.safetensors", "weights.safetensors", "log.txt"}


def test_the_same_spec_gives_the_same_record(spec: TrialSpec, runtime: Runtime, tmp_path: Path) -> None:
    first = run(spec, tmp_path / "a", runtime)
    torch.rand(7)  # a worker's random state must not matter
    second = run(spec, tmp_path / "b", runtime, trial=9)
    alone = run(spec, tmp_path / "c", Runtime(home=tmp_path / "other home"))
    assert first.comparable() == second.comparable() == alone.comparable()
    assert (tmp_path / "a/weights.safetensors").read_bytes() == (tmp_path / "c/weights.safetensors").read_bytes()
    assert run(with_(spec, seed=1), tmp_path / "d", runtime).comparable() != first.comparable()


def test_a_teacher_is_trained_once_and_shared(spec: TrialSpec, runtime: Runtime, tmp_path: Path) -> None:
    run(spec, tmp_path / "a", runtime)
    run(with_(spec, relu_budget=9), tmp_path / "b", runtime)
    (teacher,) = (runtime.home / "teachers").iterdir()
    trained = [line for line in (teacher / "log.txt").read_text().splitlines() if "epoch" in line]
    assert len(trained) == spec.teacher.recipe.epochs
    assert teacher.name == spec.teacher_hash


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("liar", "liar: the network evaluates 192 ReLUs, its budget is 40"),
        ("overshooter", "overshooter: the network evaluates 192 ReLUs, its budget is 40"),
        ("boaster", "boaster: claims a budget of 1000000, asked was 40"),
        ("shirker", "shirker: handed back []; the asked network comes first, and only one is asked"),
        ("crasher", "ZeroDivisionError: the middle"),
        ("diverger", "diverger: the network's weights are NaN or infinite"),
        ("blower", "search: the loss became nan in epoch 0"),
    ],
)
@pytest.mark.usefixtures("misbehaving")
def test_a_method_that_misbehaves_is_recorded_as_failed_with_the_reason(
    spec: TrialSpec, runtime: Runtime, tmp_path: Path, method: str, reason: str
) -> None:
    record = run(with_(spec, method=method, knobs={}), tmp_path / "trial", runtime)
    assert (record.state, record.reason, record.points) == ("failed", reason, ())
    assert reason.split(": ", maxsplit=1)[-1] in (tmp_path / "trial" / "log.txt").read_text()


@pytest.mark.usefixtures("misbehaving")
def test_a_network_whose_masks_do_not_show_what_it_computes_is_failed(
    spec: TrialSpec, runtime: Runtime, tmp_path: Path
) -> None:
    record = run(with_(spec, method="streaker", knobs={}, relu_budget=192), tmp_path / "trial", runtime)
    assert record.reason == "streaker: the network evaluates 192 ReLUs, its masks show 0"
    assert not (tmp_path / "trial" / "weights.safetensors").exists()


def test_an_interrupted_trial_leaves_no_record_and_goes_on(
    spec: TrialSpec, runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(spec, tmp_path / "whole", runtime)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(story, "judge", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(spec, tmp_path / "cut", runtime)
    assert not (tmp_path / "cut" / "record.json").exists()
    assert {path.name for path in (tmp_path / "cut" / "checkpoints").iterdir()} == {"search.pt", "finetune.pt"}
    again = run(spec, tmp_path / "cut", runtime)
    assert again.comparable() == whole.comparable()
    log = (tmp_path / "cut" / "log.txt").read_text()
    assert "search: goes on after epoch" in log
    assert "finetune: goes on after epoch" in log


def test_a_folder_that_holds_another_trial_is_refused(spec: TrialSpec, runtime: Runtime, tmp_path: Path) -> None:
    run(spec, tmp_path / "trial", runtime)
    with pytest.raises(InputError, match="holds another trial"):
        run(with_(spec, relu_budget=9), tmp_path / "trial", runtime)


def test_a_cancelled_trial_is_failed(spec: TrialSpec, runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "cancel").touch()
    record = run(spec, tmp_path, runtime)
    assert (record.state, record.reason) == ("failed", "cancelled by request")


def test_a_deadline_is_honoured(spec: TrialSpec, tmp_path: Path) -> None:
    record = run(spec, tmp_path / "trial", Runtime(home=tmp_path, deadline_s=0.0))
    assert (record.state, record.reason) == ("failed", "the deadline of 0 s has passed")


def test_bad_input_is_raised_before_anything_is_written(spec: TrialSpec, runtime: Runtime, tmp_path: Path) -> None:
    for changes, says in (
        ({"method": "snl2"}, "Did you mean 'snl'"),
        ({"knobs": {"penality": 1.0}}, "knob 'penality' of method 'snl'"),
        ({"knobs": {"penalty": -1.0}}, "greater than 0"),
        ({"network": {"name": "tinynet", "options": {"with": 2}}}, "unknown option 'with'"),
        ({"measure": {"corruptions": ["fogg"]}}, "unknown corruption 'fogg'"),
        ({"relu_budget": 193}, "above the network's ReLUs"),
        ({"network": {"name": "tinynet", "options": {"width": 10**6}}}, "too large for this machine"),
    ):
        with pytest.raises(InputError, match=says):
            run(with_(spec, **changes), tmp_path / "trial", runtime)
    assert not (tmp_path / "trial").exists()


def test_a_folder_that_cannot_be_written_is_said(spec: TrialSpec, runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write to the folder"):
        run(spec, tmp_path / "file" / "trial", runtime)


def test_devices_that_are_unknown_or_absent_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown device"):
        Runtime(home=tmp_path, device="gpu").torch_device()
    if not torch.cuda.is_available():
        with pytest.raises(BlockedError, match="no CUDA device"):
            Runtime(home=tmp_path, device="cuda").torch_device()


def test_weights_and_mask_give_the_measured_network_back(spec: TrialSpec, runtime: Runtime, tmp_path: Path) -> None:
    record = run(spec, tmp_path, runtime)
    data = Source("digits", None).dataset()
    model = assemble(
        spec.network, data.image, data.classes, data.mean, data.std, tmp_path, "mask.safetensors", "weights.safetensors"
    )
    images = Source("digits", None).images("test", None)
    with torch.inference_mode():
        right = model(torch.tensor(images.images) / 255).argmax(1) == torch.tensor(images.labels)
    assert float(right.double().mean()) == record.points[0].test.clean.value


WITHOUT = """
import runpy
import sys
for absent in ("ray", "optuna", "typer", "rich", "pandas", "plotly", "torchvision", "jinja2", "moocore", "PIL"):
    sys.modules[absent] = None
sys.argv[0] = "frontier.trial"
runpy.run_module("frontier.trial", run_name="__main__")
"""


def test_one_trial_runs_without_ray_optuna_or_typer(spec: TrialSpec, tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    command = [
        sys.executable,
        "-c",
        WITHOUT,
        str(tmp_path / "spec.json"),
        "--home",
        str(tmp_path),
        "--out",
        str(tmp_path / "t"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / done.stdout.strip()).read_text())["state"] == "complete"
    again = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert again.returncode == 2
    assert "holds a record already" in again.stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("outside:too_many", "not the logits of its classes"),
        ("outside:linear", "no ReLU: there is nothing to linearize"),
        ("outside:moody", "cannot be run on an image of 1x8x8 (RuntimeError"),
    ],
)
def test_a_network_that_no_trial_could_use_is_refused_at_once(
    spec: TrialSpec, runtime: Runtime, tmp_path: Path, name: str, says: str
) -> None:
    with pytest.raises(InputError) as refused:
        run(with_(spec, network={"name": name}, relu_budget=1), tmp_path / "trial", runtime)
    assert f"network '{name}': {says}" in str(refused.value)
    assert not (tmp_path / "trial").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"passes": 16}, "the search of method 'snl' may take all the trial's passes"),
        ({"knobs": {"snapshots": [500]}}, "budgets above the network's ReLUs"),
        ({"method": "senet", "knobs": {"half_width": True}, "network": {"name": "wrn16_8"}}, "no half width"),
    ],
)
def test_knobs_that_cannot_work_are_refused_at_once(
    spec: TrialSpec, runtime: Runtime, tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(InputError) as refused:
        run(with_(spec, **changes), tmp_path / "trial", runtime)
    assert says in str(refused.value)
    assert not (tmp_path / "trial").exists()
