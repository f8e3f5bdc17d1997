"""What every method owes, whatever it does: its budget, its papers, frozen binary masks, the same record for a seed."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from method_task import IMAGE, RELUS, SMALL_KNOBS, fresh

from frontier import registry
from frontier.data import digits
from frontier.errors import Cancelled
from frontier.masks.file import load as load_mask
from frontier.masks.mask import Mask
from frontier.nn.gates import FrozenGate
from frontier.nn.surgery import gates, mask_of, set_mask
from frontier.results.spec import TrialSpec
from frontier.training.context import Context
from frontier.training.task import Task
from frontier.trial import workspace
from frontier.trial.bundle import export, load
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

methods = pytest.mark.parametrize("method", registry.names("method"))


def knobs_of(method: str) -> dict[str, Any]:
    return dict(SMALL_KNOBS.get(method, {}))


def of(spec: TrialSpec, method: str, budget: int, **knobs: Any) -> TrialSpec:
    changed = {"method": method, "relu_budget": budget, "knobs": knobs_of(method) | knobs}
    return TrialSpec.model_validate(spec.model_dump() | changed)


def linearized(task: Task, method: str, budget: int) -> Any:
    module = registry.load("method", method)
    return module.linearize(replace(task, relu_budget=budget), module.Knobs(**knobs_of(method)))


@methods
def test_a_method_says_what_it_is(method: str) -> None:
    module = registry.load("method", method)
    assert module.FIDELITY in ("authors_code", "paper", "reconstruction", "baseline")
    assert module.PAPER
    assert isinstance(module.DEVIATIONS, tuple)
    assert all(isinstance(deviation, str) for deviation in module.DEVIATIONS)
    assert module.passes(module.Knobs()) >= 0


@methods
@pytest.mark.parametrize("budget", [0, 1, RELUS // 10, RELUS // 2, RELUS])
def test_the_count_never_exceeds_the_budget(
    spec: TrialSpec, tmp_path: Path, home: Path, method: str, budget: int
) -> None:
    record = run(of(spec, method, budget), tmp_path / "trial", Runtime(home=home))
    assert record.state == "complete", record.reason
    assert record.points[0].relu_budget == budget
    assert record.points[0].relu_count <= budget
    mask = load_mask(tmp_path / "trial" / record.points[0].mask.file)
    assert (mask.count, mask.hash) == (record.points[0].relu_count, record.points[0].mask.hash)
    log = (tmp_path / "trial" / "log.txt").read_text()
    assert f"finetune: {mask.count} ReLUs, mask {mask.hash}" in log  # what finetuning began with is what is recorded


@methods
def test_masks_are_binary_and_no_parameter(task: Task, method: str) -> None:
    for candidate in linearized(task, method, 20).candidates:
        for model in (candidate.model, *candidate.others.values()):
            found = gates(model.body)
            assert found
            assert all(isinstance(one, FrozenGate) and one.kept.dtype == torch.bool for one in found.values())
            assert not [name for name, _ in model.named_parameters() if "kept" in name or "alpha" in name]


@methods
def test_all_ones_masks_reproduce_the_plain_network_bit_for_bit(task: Task, method: str) -> None:
    pixels = torch.rand(16, *IMAGE, generator=torch.Generator().manual_seed(1))
    for candidate in linearized(task, method, 20).candidates:
        model = candidate.model.eval()
        ones = Mask.of({path: np.ones(shape, np.bool_) for path, shape in mask_of(model.body).sites})
        coefficients = {
            path: one.coefficients for path, one in gates(model.body).items() if one.coefficients is not None
        }
        set_mask(model.body, ones, coefficients)
        plain = fresh(0, candidate.options).eval()
        own = plain.state_dict().keys()
        plain.load_state_dict({name: value for name, value in model.state_dict().items() if name in own})
        assert torch.equal(model(pixels), plain(pixels))


@methods
def test_the_same_seed_gives_the_same_record(spec: TrialSpec, tmp_path: Path, home: Path, method: str) -> None:
    homes = [shutil.copytree(home, tmp_path / name / "home") for name in ("a", "b")]
    runs = [run(of(spec, method, 20), own.parent / "trial", Runtime(home=own)) for own in homes]
    assert runs[0].state == "complete", runs[0].reason
    assert runs[0].comparable() == runs[1].comparable()


@methods
def test_a_deadline_that_strikes_while_the_method_works_ends_it_there(
    spec: TrialSpec, tmp_path: Path, home: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, late = registry.load("method", method), [0.0]
    monkeypatch.setattr(workspace, "time", SimpleNamespace(monotonic=lambda: late[0]))
    spend, linearize, stages = Context.spend, module.linearize, []

    def works(task: Task, knobs: Any) -> Any:
        def spent(context: Context, stage: str, passes: float) -> None:  # of what it does first, a search or a score
            late[0] = 61.0
            stages.append(stage)
            spend(context, stage, passes)

        monkeypatch.setattr(Context, "spend", spent)
        return linearize(task, knobs)

    monkeypatch.setattr(module, "linearize", works)
    record = run(of(spec, method, 20), tmp_path / "trial", Runtime(home=home, deadline_s=60.0))
    assert (record.state, record.points) == ("failed", ())
    assert "the deadline of 60 s has passed" in (record.reason or "")
    log = (tmp_path / "trial" / "log.txt").read_text()
    assert stages  # it had begun
    assert "finetune: epoch 2" not in log  # at the latest after one epoch of the first stage that there is


@pytest.mark.parametrize("method", ["snl", "senet", "rlnet", "autorep", "streamlinet"])
def test_a_request_to_stop_ends_the_search_after_the_epoch_that_it_is_in(
    spec: TrialSpec, tmp_path: Path, home: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = workspace.Workspace.log

    def asking(self: workspace.Workspace, line: str) -> None:
        log(self, line)
        if line.startswith("search: epoch 1/"):
            (self.folder / workspace.CANCEL).touch()

    monkeypatch.setattr(workspace.Workspace, "log", asking)
    knobs = {{"snl": "max_epochs", "senet": "mask_epochs"}.get(method, "epochs"): 3}
    record = run(of(spec, method, 20, **knobs), tmp_path / "trial", Runtime(home=home))
    assert (record.state, record.points) == ("failed", ())
    assert "cancelled by request" in (record.reason or "")
    log_of = (tmp_path / "trial" / "log.txt").read_text()
    assert "search: epoch 1/3" in log_of
    assert "search: epoch 2/3" not in log_of
    assert "finetune" not in log_of


@methods
def test_a_request_to_stop_is_heard_before_the_method_has_done_its_work(task: Task, method: str) -> None:
    def stop() -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        linearized(replace(task, context=replace(task.context, check=stop)), method, 20)


@methods
def test_an_exported_point_gives_the_same_logits(spec: TrialSpec, tmp_path: Path, home: Path, method: str) -> None:
    record = run(of(spec, method, 20), tmp_path / "trial", Runtime(home=home))
    assert record.state == "complete", record.reason
    data = digits.load(None)
    for index, point in enumerate(record.points):
        out = tmp_path / f"out{index}"
        export(record, tmp_path / "trial", out, study="contract", point=index, data=data)  # compares logits itself
        assert mask_of(load(out).body).hash == point.mask.hash


@methods
def test_all_training_together_keeps_to_the_passes_of_the_trial(
    spec: TrialSpec, tmp_path: Path, home: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = registry.load("method", method)
    declared = module.passes(module.Knobs(**knobs_of(method)))
    allowed = declared + 10.5
    asked = of(spec, method, 20).model_copy(update={"passes": allowed})
    record = run(asked, tmp_path / "trial", Runtime(home=home))
    assert record.state == "complete", record.reason
    search = sum(cost for stage, cost in record.passes.items() if not stage.startswith("finetune"))
    assert search <= declared + 1.0 + 1e-6  # what a surrogate is fitted to is not declared
    assert search + record.passes["finetune"] <= allowed
    assert search + record.passes["finetune"] > allowed - 10.5


@pytest.mark.parametrize("surrogate", ["degree0", "degree1", "degree2"])
@methods
def test_any_surrogate_can_stand_in_for_the_identity(
    spec: TrialSpec, tmp_path: Path, home: Path, method: str, surrogate: str, knobs: Callable[[str], set[str]]
) -> None:
    if "surrogate" not in knobs(method):
        pytest.skip("has no surrogate knob")
    record = run(of(spec, method, 20, surrogate=surrogate), tmp_path / "trial", Runtime(home=home))
    assert record.state == "complete", record.reason
    squares = sum(site.squares for site in record.points[0].profile.sites)
    assert squares == (RELUS - record.points[0].relu_count if surrogate == "degree2" else 0)


@pytest.fixture
def knobs() -> Callable[[str], set[str]]:
    return lambda method: set(registry.load("method", method).Knobs.model_fields)


@methods
def test_the_epoch_that_was_best_on_validation_can_be_handed_back(
    spec: TrialSpec, tmp_path: Path, home: Path, method: str
) -> None:
    record = run(of(spec, method, 20, checkpoint="validation"), tmp_path / "trial", Runtime(home=home))
    assert record.state == "complete", record.reason
    log = (tmp_path / "trial" / "log.txt").read_text().splitlines()
    seen = [
        float(line.split(" validation ")[1].split()[0]) for line in log if "finetune: epoch" in line and "loss" in line
    ]
    assert len(seen) == spec.finetune.epochs
    best = next(line for line in log if "was best on validation" in line)
    assert f"finetune: epoch {seen.index(max(seen)) + 1} was" in best
    assert record.points[0].validation.clean.value == pytest.approx(max(seen), abs=0.003)


@methods
def test_a_network_with_a_hidden_linear_layer_is_no_exception(
    spec: TrialSpec, tmp_path: Path, home: Path, method: str
) -> None:
    network = {"network": {"name": "outside:dense"}, "relu_budget": 20}
    for surrogate in ("identity", "degree2"):
        asked = TrialSpec.model_validate(of(spec, method, 20, surrogate=surrogate).model_dump() | network)
        record = run(asked, tmp_path / surrogate, Runtime(home=home))
        assert record.state == "complete", record.reason
        assert record.points[0].relu_count <= 20
