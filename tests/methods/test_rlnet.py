"""RLNet's conformance facts: what the authors' code does, and where it must not be followed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from method_task import RELUS, images, same, state
from torch import Tensor, nn

from frontier.errors import Cancelled
from frontier.methods import random as random_masks
from frontier.methods import rlnet
from frontier.methods.rlnet import ADVERSARIAL, BRANCHES, CLEAN, Knobs
from frontier.nn.branches import branched, use
from frontier.nn.gates import FrozenGate
from frontier.nn.network import Classifier
from frontier.nn.surgery import gates, mask_of
from frontier.results.spec import TrialSpec
from frontier.training.adversary import perturb, resting
from frontier.training.losses import cross_entropy
from frontier.training.task import Task
from frontier.trial.bundle import assemble
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

FAST = Knobs(epochs=2, batch=32, attack_steps=1, proxy_epochs=1, teacher_epochs=1)


def small(**changes: object) -> Knobs:
    return FAST.model_copy(update=changes)


def both(task: Task) -> Classifier:
    """A network with two branches that differ."""
    model = branched(task.teacher, BRANCHES).train()
    use(model, ADVERSARIAL)
    model(torch.rand(8, *task.image, generator=torch.Generator().manual_seed(0)))
    return model


def flags(model: nn.Module) -> list[bool]:
    return [m.training for m in model.modules()] + [p.requires_grad for p in model.parameters()]


# R1, on the weights, is in tests/nn/test_branches.py


def test_r1_a_search_trains_the_norms_of_both_branches_apart(task: Task) -> None:
    (candidate,) = rlnet.linearize(task, FAST).candidates
    deployed, other = state(candidate.model), state(candidate.others[CLEAN])
    assert deployed.keys() == other.keys() >= state(task.teacher).keys()
    differing = {name for name in deployed if not torch.equal(deployed[name], other[name])}
    assert differing
    assert all(".bn" in name for name in differing)


# R2: the attack


def test_r2_the_attack_stays_in_its_ball_and_leaves_the_network_as_it_was(task: Task) -> None:
    model = both(task)
    model.body.get_submodule("bn1").eval()
    next(model.parameters()).requires_grad_(False)
    before, was, eps = state(model), flags(model), 8 / 255
    pixels, labels = images(16).pixels / 255, images(16).labels

    def harm(moved: Tensor) -> Tensor:
        assert not any(flags(model))
        return cross_entropy(model(moved), labels) * len(moved)

    use(model, ADVERSARIAL)
    dice = torch.Generator().manual_seed(0)
    moved = perturb(model, pixels, harm, eps=eps, step_size=2 / 255, steps=7, dice=dice)
    assert float((moved - pixels).abs().max()) <= eps + 1e-6
    assert float(moved.min()) >= 0
    assert float(moved.max()) <= 1
    assert not moved.requires_grad
    assert same(before, state(model))
    assert flags(model) == was
    assert all(parameter.grad is None for parameter in model.parameters())
    with resting(model), torch.no_grad():
        assert harm(moved) > harm(pixels)


def test_r2_one_step_from_the_start_is_a_sign_step(task: Task) -> None:
    model, pixels = both(task), images(4).pixels / 255

    def start(seed: int, size: float) -> Tensor:
        dice = torch.Generator().manual_seed(seed)
        return perturb(model, pixels, lambda x: x.sum(), eps=0.1, step_size=size, steps=1, dice=dice)

    noise = torch.rand(pixels.shape, generator=torch.Generator().manual_seed(3)) * 0.2 - 0.1
    expected = (pixels + noise).clamp(0, 1) + 0.01
    torch.testing.assert_close(start(3, 0.01), torch.minimum(expected, pixels + 0.1).clamp(0, 1))
    assert not torch.equal(start(3, 0.01), start(4, 0.01))


def test_r2_an_eps_of_zero_returns_the_images(task: Task) -> None:
    pixels = images(4).pixels / 255
    moved = perturb(task.teacher, pixels, torch.sum, eps=0, step_size=0.1, steps=3, dice=torch.Generator())
    assert torch.equal(moved, pixels)


def test_r2_flags_are_restored_after_an_error(task: Task) -> None:
    model = both(task)
    was = flags(model)
    with pytest.raises(ZeroDivisionError), resting(model):
        raise ZeroDivisionError
    assert flags(model) == was


# R3 and R5, the losses and the score, are in test_rlnet_losses.py


# R4: the halves


# what a batch becomes is in tests/training/test_views.py


@pytest.mark.parametrize("count", [1, 3, 35])
def test_r4_batches_of_any_size_are_trained_on(task: Task, count: int) -> None:
    knobs = small(masks="random", epochs=1)
    (candidate,) = rlnet.linearize(replace(task, train=images(count)), knobs).candidates
    assert mask_of(candidate.model.body).count == task.relu_budget


# R6 is in tests/training/test_augmix.py


# R7: the evaluation matrix


@pytest.fixture
def robust_spec(spec: TrialSpec) -> TrialSpec:
    knobs = FAST.model_copy(update={"batch": 100, "epochs": 1}).model_dump(exclude_defaults=True)
    return TrialSpec.model_validate(spec.model_dump() | {"method": "rlnet", "knobs": knobs})


@pytest.mark.parametrize("branch", BRANCHES)
def test_r7_every_branch_is_measured_on_all_three_and_one_is_in_service(
    robust_spec: TrialSpec, tmp_path: Path, branch: str
) -> None:
    spec = robust_spec.model_copy(update={"knobs": robust_spec.knobs | {"served": branch}})
    record = run(spec, tmp_path / "trial", Runtime(home=tmp_path, keep_weights=True))
    assert record.state == "complete", record.reason
    (point,) = record.points
    assert (point.branch, set(point.branches)) == (branch, set(BRANCHES))
    assert point.validation == point.branches[branch].validation
    assert point.test == point.branches[branch].test
    assert point.weights is not None
    folder = tmp_path / "trial"
    assemble(spec.network, (1, 8, 8), 10, (0.3,), (0.3,), folder, point.mask.file, point.weights)  # no norm too many


def test_r7_corrupted_and_adversarial_accuracy_are_the_means_over_corruptions_severities_and_strengths(
    robust_spec: TrialSpec, tmp_path: Path
) -> None:
    measure = robust_spec.measure.model_copy(update={"severities": (1, 3, 5)})
    record = run(robust_spec.model_copy(update={"measure": measure}), tmp_path / "trial", Runtime(home=tmp_path))
    assert record.state == "complete", record.reason
    (point,) = record.points
    corrupted = {f"{name}/{severity}" for name in ("gaussian_noise", "contrast") for severity in (1, 3, 5)}
    attacked = {f"pgd/{eps}" for eps in (1, 2, 4, 8)}
    for branch in point.branches.values():
        for scores in (branch.validation, branch.test):
            parts = {name: part.value for name, part in scores.parts.items()}
            assert parts.keys() == corrupted | attacked
            assert scores.corrupted.value == pytest.approx(sum(parts[name] for name in corrupted) / 6, abs=1e-12)
            assert scores.adversarial.value == pytest.approx(sum(parts[name] for name in attacked) / 4, abs=1e-12)
            assert scores.corrupted.n == robust_spec.measure.corrupted_images
    assert len({part.value for part in point.test.parts.values()}) > 1  # so that a mean is not just any of them


def test_r7_a_network_that_could_still_switch_is_refused(
    robust_spec: TrialSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = rlnet.served
    monkeypatch.setattr(rlnet, "served", lambda model, branch: model if gates(model) else choose(model, branch))
    record = run(robust_spec, tmp_path / "trial", Runtime(home=tmp_path))
    assert record.state == "failed"
    assert "several norm branches" in (record.reason or "")


def test_the_deployed_branch_is_the_adversarial_one() -> None:
    assert Knobs().served == ADVERSARIAL


# The stages


def test_the_robust_teacher_is_trained_once_and_its_rates_are_told(task: Task) -> None:
    logged: list[str] = []
    trained: list[str] = []

    shelf = task.cached

    def cached(name: str, key: Any, train: Any) -> Any:
        return shelf(name, key, lambda context: trained.append(name) or train(context))

    task = replace(task, cached=cached, context=replace(task.context, log=logged.append))
    teachers = [state(rlnet.robust_teacher(task, FAST)) for _ in range(2)]
    assert same(*teachers)
    rlnet.robust_teacher(task, small(served=CLEAN, epochs=7, masks="random"))
    assert trained == ["rlnet-teacher"]
    assert len(set(logged)) == 1
    assert "of the attacked training images were right" in logged[0]
    for change in ({"attack_steps": 2}, {"attack_eps_255": 4.0}, {"teacher_epochs": 2}, {"teacher_start": "teacher"}):
        rlnet.robust_teacher(task, small(**change))
    assert len(trained) == 5


def test_a_teacher_or_a_student_may_start_from_what_is_there(task: Task) -> None:
    slow = task.teacher_recipe.model_copy(update={"lr": 1e-12})
    unmoved = replace(task, teacher_recipe=slow)
    teacher = rlnet.robust_teacher(unmoved, small(teacher_start="teacher"))
    torch.testing.assert_close(
        teacher.body.get_parameter("conv1.weight"), task.teacher.body.get_parameter("conv1.weight")
    )
    still = replace(unmoved, finetune=task.finetune.model_copy(update={"lr": 1e-12}))
    knobs = small(start="teacher", teacher_start="teacher", lr=1e-12, masks="random")
    (candidate,) = rlnet.linearize(still, knobs).candidates
    for name in ("conv1.weight", "head.weight", "bn1.weight"):
        torch.testing.assert_close(candidate.model.body.get_parameter(name), task.teacher.body.get_parameter(name))


def test_random_masks_are_those_of_method_random_and_never_change(task: Task) -> None:
    asked: list[str] = []
    shelf = task.cached

    def cached(name: str, key: Any, train: Any) -> Any:
        asked.append(name)
        return shelf(name, key, train)

    def elsewhere(name: str) -> Task:
        return replace(task, context=replace(task.context, checkpoints=task.context.checkpoints / name))

    logged: list[str] = []
    task = replace(task, cached=cached, context=replace(task.context, log=logged.append))
    (control,) = random_masks.linearize(task, random_masks.Knobs()).candidates
    (candidate,) = rlnet.linearize(elsewhere("b"), small(masks="random")).candidates
    assert mask_of(candidate.model.body) == mask_of(control.model.body)
    assert asked == ["rlnet-teacher"]
    assert sum(line.startswith("search: epoch") for line in logged) == FAST.epochs
    (searched,) = rlnet.linearize(elsewhere("c"), FAST).candidates
    assert mask_of(searched.model.body) != mask_of(control.model.body)
    assert mask_of(searched.model.body).count == task.relu_budget


def test_passes_are_counted_an_image_of_a_batch(task: Task) -> None:
    # clean and AugMix halves 3 each, the attacked half 7 x 3 and 3, the teacher 1 on everything and 1 on AugMix
    assert rlnet.passes_per_step(Knobs(), attention=False) == 1.5 + 1.5 + 12 + 1
    assert rlnet.passes_per_step(Knobs(), attention=True) == 16.5
    assert rlnet.passes(Knobs()) == 150 * 16
    rlnet.linearize(task, FAST)
    assert task.context.passes == pytest.approx({"search": 2 * 7.0, "finetune": 3 * 7.5})
    assert task.context.passes["search"] <= rlnet.passes(FAST)


def test_a_total_of_passes_limits_the_finetuning(task: Task) -> None:
    rlnet.linearize(replace(task, passes=20.0), FAST)
    assert task.context.passes == pytest.approx({"search": 14.0, "finetune": 2 / 3 * 7.5})


def test_surrogates_are_shared_by_the_branches(task: Task) -> None:
    (candidate,) = rlnet.linearize(task, small(surrogate="degree2")).candidates
    found = [
        [gate.coefficients for gate in gates(net.body).values() if isinstance(gate, FrozenGate)]
        for net in (candidate.model, candidate.others[CLEAN])
    ]
    assert len(found[0]) == 2
    for left, right in zip(*found, strict=True):
        assert left is not None
        assert right is not None
        assert torch.equal(left, right)
    assert sum(task.context.passes.values()) <= rlnet.passes(small(surrogate="degree2")) + 3 * 7.5


@pytest.mark.parametrize("budget", [0, 1, 77, RELUS])
def test_the_mask_has_the_budget_exactly_and_finetuning_keeps_it(task: Task, budget: int) -> None:
    logged: list[str] = []
    task = replace(task, relu_budget=budget, context=replace(task.context, log=logged.append))
    (candidate,) = rlnet.linearize(task, FAST).candidates
    mask = mask_of(candidate.model.body)
    assert mask.count == budget
    assert f"finetune: {budget} ReLUs, mask {mask.hash}" in logged


def test_a_resumed_run_ends_as_one_that_was_never_stopped(task: Task, tmp_path: Path) -> None:
    whole = state(rlnet.linearize(task, FAST).candidates[0].model)
    for stop_at in (1, 3):  # after the first epoch of the search, and of the finetuning
        calls: list[None] = []

        def check(calls: list[None] = calls, stop_at: int = stop_at) -> None:
            calls.append(None)
            if len(calls) == stop_at:
                raise Cancelled

        context = replace(task.context, checkpoints=tmp_path / f"stopped-{stop_at}", checkpoint_every_s=0.0)
        with pytest.raises(Cancelled):
            rlnet.linearize(replace(task, context=replace(context, check=check)), FAST)
        assert same(state(rlnet.linearize(replace(task, context=context), FAST).candidates[0].model), whole)


def test_the_teacher_of_the_task_is_unchanged(task: Task) -> None:
    before = state(task.teacher)
    rlnet.linearize(task, small(teacher_start="teacher", start="teacher"))
    assert same(before, state(task.teacher))
    assert all(parameter.grad is None for parameter in task.teacher.parameters())
    assert not task.teacher.training


def test_bfloat16_trains(task: Task) -> None:
    half = {"precision": "bfloat16"}
    task = replace(
        task, finetune=task.finetune.model_copy(update=half), teacher_recipe=task.teacher_recipe.model_copy(update=half)
    )
    (candidate,) = rlnet.linearize(task, FAST).candidates
    assert all(value.isfinite().all() for value in candidate.model.state_dict().values())


def test_defaults_are_the_authors() -> None:
    knobs = Knobs()
    assert (knobs.ce_weight, knobs.distill_weight, knobs.attention_weight, knobs.temperature) == (0.5, 0.5, 1000, 4)
    assert (knobs.epochs, knobs.lr, knobs.momentum, knobs.weight_decay, knobs.batch) == (150, 0.05, 0.9, 5e-4, 128)
    assert (knobs.attack_eps_255, knobs.attack_step_255, knobs.attack_steps) == (8, 2, 7)
    assert (knobs.start, knobs.masks, knobs.teacher_start, knobs.teacher_epochs) == (
        "scratch",
        "senet",
        "scratch",
        None,
    )
