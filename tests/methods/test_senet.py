"""SENet against its conformance facts: exact masks from differences, the losses, frozen masks, and both widths."""

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from method_task import IMAGE, RELUS, fresh, images, same, small_task, state
from pydantic import ValidationError

from frontier.data import digits
from frontier.errors import Cancelled, InputError
from frontier.masks.mask import Mask
from frontier.methods import senet
from frontier.methods.senet import Knobs
from frontier.nn.counter import count_relus
from frontier.nn.gates import FrozenGate
from frontier.nn.network import Classifier, build
from frontier.nn.sites import sites_of
from frontier.nn.stages import stage_outputs
from frontier.nn.surgery import gates, mask_of, set_mask
from frontier.nn.taps import Tapped
from frontier.nn.widths import leading
from frontier.results.spec import Recipe, TrialSpec
from frontier.training.batches import epoch, generator
from frontier.training.differences import Differences, random_tied
from frontier.training.losses import attention_transfer
from frontier.training.sensitivity import shares
from frontier.training.task import Candidate, Task, gated
from frontier.trial.bundle import export, load
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

FAST = Knobs(mask_epochs=3, mask_batch=32, proxy_epochs=2)
WIDE = {"width": 2}  # of the task's network


def with_knobs(**knobs: object) -> Knobs:
    return Knobs.model_validate(FAST.model_dump() | knobs)


def logged(task: Task) -> tuple[Task, list[str]]:
    lines: list[str] = []
    return replace(task, context=replace(task.context, log=lines.append)), lines


def epochs_of(lines: list[str], stage: str = "search") -> list[str]:
    return [line for line in lines if line.startswith(f"{stage}: epoch")]


# S6 and the budget


@pytest.mark.parametrize("granularity", ["pixel", "channel"])
@pytest.mark.parametrize("budget", [0, 1, 19, 96, RELUS - 1, RELUS])
def test_s6_the_budget_is_met_exactly_in_each_layer(task: Task, budget: int, granularity: str) -> None:
    task = replace(task, relu_budget=budget)
    (candidate,) = senet.linearize(task, with_knobs(granularity=granularity)).candidates
    assert sum(site.kept for site in count_relus(candidate.model.body, IMAGE)) == budget
    assert mask_of(candidate.model.body).counts == shares(task, FAST, budget)


def test_channel_wise_masks_hold_whole_channels_and_one_in_part(task: Task) -> None:
    (candidate,) = senet.linearize(replace(task, relu_budget=90), with_knobs(granularity="channel")).candidates
    mask = mask_of(candidate.model.body)
    for path, shape in mask.sites:
        each = mask.bits(path).reshape(shape[0], -1).mean(axis=1)
        assert ((each > 0) & (each < 1)).sum() <= 1


# S7: the mask search


def test_s7_the_mask_is_where_student_and_teacher_differed_most_over_the_epoch(task: Task) -> None:
    knobs = with_knobs(mask_epochs=1, mask_lr=1e-12, mask_weight_decay=0.0)
    counts = shares(task, knobs, task.relu_budget)
    student = gated(task, task.fresh(task.seed, {}))
    senet.search(task, student, None, counts, knobs)

    summed = Differences(task.sites())
    still = gated(task, task.fresh(task.seed, {})).train()
    set_mask(still.body, random_tied(task.sites(), counts, generator(task.seed)))
    paths = [f"body.{site.path}" for site in task.sites()]
    recipe = Recipe(epochs=1, lr=1.0, batch=32)
    with Tapped(still, paths) as here, Tapped(gated(task, task.teacher), paths) as there, torch.no_grad():
        for pixels, _ in epoch(task.train, recipe, seed=zlib.crc32(b"search") + task.seed, number=0):
            summed.add(here(pixels)[1], there(pixels)[1])
    assert mask_of(student.body) == summed.mask(counts)


def test_the_search_begins_at_a_random_mask_that_is_the_same_in_all_channels(task: Task) -> None:
    seen: list[Mask] = []
    student = gated(task, task.fresh(task.seed, {}))
    student.body.register_forward_pre_hook(lambda *_: seen.append(mask_of(student.body)))
    senet.search(task, student, None, {"relu1": 20, "relu2": 8}, FAST)
    first = seen[0]
    assert all((first.bits(path) == first.bits(path)[0]).all() for path in ("relu1", "relu2"))
    assert len(set(seen)) > 1
    assert len({mask.count for mask in seen}) == 1


@pytest.mark.parametrize("start", ["scratch", "teacher"])
def test_the_student_starts_from_scratch_or_from_the_teacher(task: Task, start: str) -> None:
    task = replace(task, seed=5, finetune=task.finetune.model_copy(update={"lr": 1e-12, "weight_decay": 0.0}))
    knobs = with_knobs(start=start, mask_epochs=1, mask_lr=1e-12, mask_weight_decay=0.0)
    (candidate,) = senet.linearize(task, knobs).candidates
    origin = task.teacher if start == "teacher" else fresh(5)
    assert torch.allclose(candidate.model.get_parameter("body.conv1.weight"), origin.get_parameter("body.conv1.weight"))


def test_s8_the_distance_is_logged_each_epoch_and_can_end_the_search(task: Task) -> None:
    task, lines = logged(task)
    senet.linearize(task, FAST)
    assert len(epochs_of(lines)) == 3
    assert all("nhd" in line for line in epochs_of(lines))
    ended, lines = logged(replace(task, context=replace(task.context, checkpoints=task.context.checkpoints / "other")))
    senet.linearize(ended, with_knobs(nhd_threshold=2.1))  # of two sites, so that every epoch is below
    assert len(epochs_of(lines)) == 1


def test_a_crash_in_the_search_changes_nothing(task: Task, tmp_path: Path) -> None:
    (expected,) = senet.linearize(task, FAST).candidates
    torn = small_task(tmp_path / "torn")
    torn = replace(torn, cached=task.cached, context=replace(torn.context, checkpoint_every_s=0.0))
    checks: list[int] = []

    def stop() -> None:
        checks.append(0)
        if len(checks) == 2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        senet.linearize(replace(torn, context=replace(torn.context, check=stop)), FAST)
    (found,) = senet.linearize(torn, FAST).candidates
    assert same(state(found.model), state(expected.model))


# S9: PRAM, and what it looks at


def test_s9_pram_of_the_worked_example() -> None:
    student = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    teacher = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])
    assert float(attention_transfer([student], [teacher])) == pytest.approx(0.0513167, abs=1e-7)
    assert float(attention_transfer([student, 3 * teacher], [7 * student, teacher])) == pytest.approx(0, abs=1e-12)
    assert float(attention_transfer([student], [5 * teacher])) == pytest.approx(0.0513167, abs=1e-7)


def test_s9_pram_looks_at_the_four_stage_outputs_of_a_resnet() -> None:
    with torch.device("meta"):
        sites = sites_of(build("resnet18", (3, 32, 32), 10, options={"width": 2}), (3, 32, 32))
    assert stage_outputs(sites) == tuple(f"layer{stage}.1.relu2" for stage in (1, 2, 3, 4))


# S11: stage 3


def test_s11_finetuning_leaves_the_mask_and_the_teacher_alone(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    masks: list[Mask] = []
    finetune = senet.finetune

    def watched(task: Task, model: Classifier, knobs: Knobs) -> None:
        masks.append(mask_of(model.body))
        finetune(task, model, knobs)

    monkeypatch.setattr(senet, "finetune", watched)
    teacher = state(task.teacher)
    (candidate,) = senet.linearize(task, FAST).candidates
    assert masks == [mask_of(candidate.model.body)]
    assert same(teacher, state(task.teacher))
    assert not task.teacher.training


def test_defaults_are_the_authors() -> None:
    knobs = Knobs()
    assert (knobs.mask_epochs, knobs.mask_lr, knobs.mask_batch, knobs.mask_weight_decay) == (150, 0.05, 128, 5e-4)
    assert (knobs.mask_ce_weight, knobs.mask_distill_weight, knobs.temperature) == (0.5, 0.5, 4.0)
    assert (knobs.ce_weight, knobs.distill_weight, knobs.attention_weight) == (0.1, 0.5, 1000.0)
    assert (knobs.start, knobs.granularity, knobs.proxy_density) == ("scratch", "pixel", 0.1)
    assert senet.passes(knobs) == 600
    with pytest.raises(ValidationError):
        Knobs(granularity="layer")


def test_it_pays_for_what_it_does(task: Task) -> None:
    senet.linearize(task, FAST)
    assert task.context.passes == {"search": 12.0, "finetune": 12.0}
    assert senet.passes(FAST) == 12.0


# SENet++: both widths


def both(task: Task, **knobs: object) -> tuple[Candidate, Candidate]:
    task = replace(task, widths=WIDE)
    asked, extra = senet.linearize(task, with_knobs(half_width=True, **knobs)).candidates
    return asked, extra


@pytest.mark.parametrize("budget", [0, 1, 40, RELUS])
def test_the_narrow_network_has_the_leading_channels_of_masks_and_weights(task: Task, budget: int) -> None:
    asked, extra = both(replace(task, relu_budget=budget))
    assert (asked.role, asked.relu_budget, asked.options) == ("asked", budget, None)
    assert (extra.role, extra.label, extra.options) == ("extra", "width 0.5", {"width": 1})
    wide, narrow = asked.model, extra.model
    assert mask_of(narrow.body) == leading(mask_of(wide.body), sites_of(narrow.body, IMAGE))
    assert sum(site.kept for site in count_relus(narrow.body, IMAGE)) == extra.relu_budget
    for name in ("conv1.weight", "conv2.weight", "head.weight", "head.bias"):
        small, large = (model.body.get_parameter(name) for model in (narrow, wide))
        assert torch.equal(small, large[tuple(slice(size) for size in small.shape)])
    assert not torch.equal(narrow.body.get_parameter("bn1.weight"), wide.body.get_parameter("bn1.weight")[:1])


def test_the_narrow_network_runs_alone(task: Task) -> None:
    _, extra = both(task)
    alone = gated(task, fresh(9, extra.options))
    set_mask(alone.body, mask_of(extra.model.body))
    alone.load_state_dict(extra.model.state_dict())
    pixels = torch.rand(8, *IMAGE)
    assert torch.equal(alone.eval()(pixels), extra.model.eval()(pixels))


def test_both_widths_learn_from_one_set_of_weights(task: Task) -> None:
    wide = {"width": 8}
    recipe = Recipe(epochs=20, lr=0.05, batch=32)
    task = replace(task, teacher=fresh(0, wide).eval(), fresh=lambda seed, options: fresh(seed, {**wide, **options}))
    task = replace(task, options=wide, widths=wide, relu_budget=4 * RELUS, finetune=recipe)
    knobs = with_knobs(half_width=True, attention_weight=0.0, ce_weight=1.0, distill_weight=0.0)
    held = images(32)
    for candidate in senet.linearize(task, knobs).candidates:
        right = candidate.model.eval()(held.pixels / 255).argmax(1) == held.labels
        assert float(right.float().mean()) > 0.9


def test_the_narrow_network_is_paid_for_by_its_share_of_the_work(task: Task) -> None:
    both(task)
    macs = {2: 2 * 9 * 64 + 2 * 4 * 9 * 16 + 4 * 4, 1: 1 * 9 * 64 + 1 * 2 * 9 * 16 + 2 * 4}
    step = 4 + 3 * macs[1] / macs[2]
    assert task.context.passes == pytest.approx({"search": 3 * step, "finetune": 3 * step})
    assert task.context.passes["search"] <= senet.passes(with_knobs(half_width=True))


def test_both_widths_have_a_polynomial_each(task: Task) -> None:
    asked, extra = both(task, surrogate="degree2")
    for path, gate in gates(extra.model.body).items():
        other = gates(asked.model.body)[path]
        assert isinstance(gate, FrozenGate)
        assert isinstance(other, FrozenGate)
        assert gate.coefficients is not None
        assert other.coefficients is not None
        assert gate.coefficients.shape == (3, gate.shape[0])
        assert not torch.equal(gate.coefficients, other.coefficients[:, : gate.shape[0]])  # trained apart


def test_a_network_without_a_half_width_is_refused(task: Task) -> None:
    with pytest.raises(InputError, match="has no half width"):
        senet.linearize(task, with_knobs(half_width=True))


def test_one_trial_yields_two_points_that_can_be_exported(spec: TrialSpec, tmp_path: Path) -> None:
    knobs = {"mask_epochs": 2, "mask_batch": 50, "proxy_epochs": 2, "half_width": True}
    asked = TrialSpec.model_validate(spec.model_dump() | {"method": "senet", "knobs": knobs})
    record = run(asked, tmp_path / "trial", Runtime(home=tmp_path))
    assert record.state == "complete", record.reason
    wide, narrow = record.points
    assert (wide.network, narrow.role, narrow.label) == (None, "extra", "width 0.5")
    assert narrow.network is not None
    assert narrow.network.options == {"width": 1}
    assert narrow.relu_count == narrow.relu_budget < wide.relu_count == 40
    assert 2 * narrow.profile.relus == wide.profile.relus
    out = tmp_path / "out"
    export(record, tmp_path / "trial", out, study="both", point=1, data=digits.load(None))  # compares the logits
    assert mask_of(load(out).body).hash == narrow.mask.hash


def test_the_trial_of_a_network_without_a_half_width_is_refused(spec: TrialSpec, tmp_path: Path) -> None:
    changed = {"method": "senet", "knobs": {"half_width": True}, "network": {"name": "outside:build"}}
    with pytest.raises(InputError, match="has no half width"):
        run(TrialSpec.model_validate(spec.model_dump() | changed), tmp_path / "trial", Runtime(home=tmp_path))


def test_a_network_from_outside_is_linearized(spec: TrialSpec, tmp_path: Path) -> None:
    knobs = {"mask_epochs": 2, "mask_batch": 50, "proxy_epochs": 2}
    changed = {"method": "senet", "knobs": knobs, "network": {"name": "outside:build"}}
    record = run(TrialSpec.model_validate(spec.model_dump() | changed), tmp_path / "trial", Runtime(home=tmp_path))
    assert record.state == "complete", record.reason
    assert record.points[0].relu_count == 40
