"""RLNet's losses: what its three stages minimise, step by step, against sums done by hand from the authors' rule."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from by_hand import Step, Watch, at, ce, kd, seen, sharpened
from method_task import small_task
from torch import Tensor

from frontier.methods import rlnet
from frontier.methods.rlnet import ADVERSARIAL, CLEAN, Knobs
from frontier.nn.branches import BranchNorm, use
from frontier.nn.network import Classifier
from frontier.nn.surgery import mask_of
from frontier.nn.taps import Tapped
from frontier.results.spec import Recipe
from frontier.training.differences import Differences
from frontier.training.losses import attention_transfer, cross_entropy, distillation
from frontier.training.task import Task, gated
from frontier.training.views import Views

SITES = ("relu1", "relu2")  # tinynet's, of 8x8 and 4x4 positions: each ends a stage
FAST = Knobs(epochs=2, batch=32, attack_steps=1, proxy_epochs=1, teacher_epochs=1)
# attacks strong enough to be seen in a loss, and a teacher whose logits are far apart
HARSH = FAST.model_copy(
    update={
        "attack_eps_255": 32.0,
        "attack_step_255": 12.0,
        "attack_steps": 3,
        "teacher_epochs": 2,
        "teacher_start": "teacher",
    }
)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return sharpened(small_task(tmp_path))


def close(step: Step, by_hand: Tensor) -> None:
    torch.testing.assert_close(step.value, by_hand.detach(), rtol=1e-4, atol=1e-5)


def attacked(model: Classifier, views: Views, harm: Callable[[Tensor, Tensor], Tensor], knobs: Knobs) -> Tensor:
    """PGD on the second half: from a uniform start in the ball up the sign of the gradient of `harm(logits, labels)`,
    through the adversarial branch in eval mode."""
    eps, size = knobs.attack_eps_255 / 255, knobs.attack_step_255 / 255
    use(model, ADVERSARIAL)
    model.eval()
    clean = views.other
    point = (clean + eps * (2 * torch.rand(clean.shape, generator=views.dice) - 1)).clamp(0, 1)
    for _ in range(knobs.attack_steps):
        point.requires_grad_()
        (slope,) = torch.autograd.grad(harm(model(point), views.labels[2]), point)
        point = (point.detach() + size * slope.sign()).clamp(clean - eps, clean + eps).clamp(0, 1)
    model.train()
    return point


def through(model: Classifier, branch: str, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
    use(model, branch)
    return seen(model, SITES, pixels)


def guide_of(task: Task, knobs: Knobs) -> Classifier:
    return rlnet.served(rlnet.robust_teacher(task, knobs), CLEAN).eval()


def student_loss(step: Step, task: Task, guide: Classifier, knobs: Knobs, *, attention: bool) -> Tensor:
    views = Views.of(step.pixels, step.labels, task.finetune, task.seed)
    target, its = seen(guide, SITES, views.clean)
    target_other = seen(guide, SITES, views.other)[0]
    harmed = attacked(step.student, views, lambda logits, _: kd(logits, target_other), knobs)
    clean, own = through(step.student, CLEAN, views.clean)
    augmented, own_augmented = through(step.student, CLEAN, views.augmented)
    adversarial, _ = through(step.student, ADVERSARIAL, harmed)
    hard = ce(clean, views.labels[0]) + ce(augmented, views.labels[1]) + ce(adversarial, views.labels[2])
    soft = kd(clean, target) + kd(augmented, target) + kd(adversarial, target_other)
    value = 0.5 * hard / 3 + 0.5 * soft / 3
    if attention:
        both = at(own, its) + at(own_augmented, seen(guide, SITES, views.augmented)[1])
        assert both > 1e-5
        value = value + 1000 * both / 2
    return value


# The stages


def test_r2_and_r3_the_teacher_minimises_the_mean_ce_of_clean_augmix_and_attacked_images(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch.steps(monkeypatch)
    rlnet.robust_teacher(task, HARSH)
    steps = watch["teacher"].steps
    assert len(steps) == 6
    for step in steps:
        views = Views.of(step.pixels, step.labels, task.teacher_recipe, 0)
        harmed = attacked(step.student, views, ce, HARSH)
        found = [through(step.student, CLEAN, images)[0] for images in (views.clean, views.augmented)]
        found.append(through(step.student, ADVERSARIAL, harmed)[0])
        close(step, torch.stack([ce(z, y) for z, y in zip(found, views.labels, strict=True)]).mean())


def test_r2_and_r3_the_search_minimises_half_ce_and_half_kl_to_the_teachers_clean_logits(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = replace(task, seed=3)
    guide = guide_of(task, HARSH)
    watch = Watch.steps(monkeypatch)
    rlnet.linearize(task, HARSH)
    assert len(watch["search"].steps) == 6
    for step in watch["search"].steps:
        close(step, student_loss(step, task, guide, HARSH, attention=False))


def test_r2_and_r3_the_finetuning_adds_500_times_the_attention_of_clean_and_augmix_images(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = guide_of(task, HARSH)
    watch = Watch.steps(monkeypatch)
    rlnet.linearize(task, HARSH)
    assert len(watch["finetune"].steps) == 9
    for step in watch["finetune"].steps:
        close(step, student_loss(step, task, guide, HARSH, attention=True))


@pytest.mark.parametrize("stage", ["teacher", "search"])
def test_r1_a_step_shows_two_batches_to_the_clean_norms_and_one_to_the_adversarial(
    task: Task, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    watch = Watch.steps(monkeypatch)
    rlnet.linearize(task, FAST)
    for index, step in enumerate(watch[stage].steps):
        norms = [module for module in step.student.modules() if isinstance(module, BranchNorm)]
        assert len(norms) == 2
        for norm in norms:
            assert int(norm.norms[CLEAN].get_buffer("num_batches_tracked")) == 2 * index
            assert int(norm.norms[ADVERSARIAL].get_buffer("num_batches_tracked")) == index


def test_r5_the_second_mask_depends_on_the_second_epochs_differences_alone(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = guide_of(task, FAST)
    watch = Watch.steps(monkeypatch)
    (candidate,) = rlnet.linearize(task, FAST).candidates
    steps = watch["search"].steps
    counts = mask_of(candidate.model.body).counts
    sums: list[list[Tensor]] = []
    for index, step in enumerate(steps):
        clean = Views.of(step.pixels, step.labels, task.finetune, task.seed).clean
        own, its = through(step.student, CLEAN, clean)[1], seen(guide, SITES, clean)[1]
        each = [(a - b).abs().sum(0) for a, b in zip(own, its, strict=True)]
        sums.append(each if index % 3 == 0 else [a + b for a, b in zip(sums[-1], each, strict=True)])
    first, second = sums[2], sums[5]
    assert kept(first, counts) == kept_by(steps[3].student)
    assert kept(second, counts) == kept_by(candidate.model)
    assert kept([a + b for a, b in zip(first, second, strict=True)], counts) != kept_by(candidate.model)


def kept(sums: Sequence[Tensor], counts: dict[str, int]) -> list[list[int]]:
    """The positions of each site's largest sums."""
    return [
        sorted(np.argsort(-one.numpy().ravel(), kind="stable")[: counts[path]].tolist())
        for path, one in zip(SITES, sums, strict=True)
    ]


def kept_by(student: Classifier) -> list[list[int]]:
    return [np.flatnonzero(mask_of(student.body).bits(path)).tolist() for path in SITES]


def test_the_stages_are_trained_by_the_authors_recipe(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch.idle(monkeypatch)
    monkeypatch.setattr(rlnet, "robust_teacher", lambda task, knobs: rlnet.branched(task.teacher, rlnet.BRANCHES))
    rlnet.linearize(task, Knobs(proxy_epochs=1))
    search = watch["search"]
    wanted = Recipe(epochs=150, lr=0.05, momentum=0.9, weight_decay=5e-4, schedule="constant", batch=128)
    assert search.recipe == wanted
    assert (search.recipe.optimizer, search.options["passes"]) == ("sgd", 16.0)
    assert watch["finetune"].recipe == task.finetune
    for stage in (search, watch["finetune"]):
        assert sorted(stage.trained) == sorted(stage.parameters)


# The parts


def test_r3_equal_logits_everywhere_leave_gamma_times_cross_entropy() -> None:
    logits, labels = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 4
    value = rlnet.objective([logits] * 3, [logits] * 3, [labels] * 3, Knobs())
    torch.testing.assert_close(value, 0.5 * cross_entropy(logits, labels))


def test_r3_the_views_are_averaged_and_a_missing_one_is_left_out() -> None:
    dice = torch.Generator().manual_seed(0)
    logits, targets = ([torch.randn(n, 4, generator=dice) for n in (3, 3, 2)] for _ in range(2))
    labels = [torch.arange(n) for n in (3, 3, 2)]
    for count in (3, 2):
        value = rlnet.objective(logits[:count], targets, labels, Knobs(ce_weight=0.3, distill_weight=0.7))
        each = [
            0.3 * cross_entropy(z, y) + 0.7 * distillation(z, t, 4.0)
            for z, t, y in zip(logits[:count], targets, labels, strict=False)
        ]
        torch.testing.assert_close(value, sum(each) / count)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """What the stages of a trial passed to the parts of the loss, step by step."""
    seen: dict[str, list[Any]] = {"views": [], "targets": [], "maps": [], "transfer": []}
    real: dict[str, Callable[..., Any]] = {"objective": rlnet.objective, "add": Differences.add, "of": Views.of}

    def objective(logits: Sequence[Tensor], targets: Sequence[Tensor], *others: Any) -> Tensor:
        seen["targets"].append(targets)
        value: Tensor = real["objective"](logits, targets, *others)
        return value

    def add(self: Differences, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> None:
        seen["maps"].append((student, teacher))
        real["add"](self, student, teacher)

    def of(*args: Any) -> Views:
        views: Views = real["of"](*args)
        seen["views"].append(views)
        return views

    def transfer(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
        seen["transfer"].append(teacher)
        return attention_transfer(student, teacher)

    monkeypatch.setattr(rlnet, "objective", objective)
    monkeypatch.setattr(rlnet, "attention_transfer", transfer)
    monkeypatch.setattr(Differences, "add", add)
    monkeypatch.setattr(rlnet.Views, "of", of)
    return seen


def test_r3_and_r5_targets_scores_and_maps_are_the_teachers_of_clean_images_through_its_clean_branch(
    task: Task, watched: dict[str, list[Any]]
) -> None:
    guide = rlnet.served(rlnet.robust_teacher(task, FAST), CLEAN).eval()
    watched["views"].clear()  # those of the teacher's own training
    rlnet.linearize(task, FAST)
    sites, searched = [f"body.{site.path}" for site in task.sites()], len(watched["maps"])
    assert searched == FAST.epochs * 3
    assert len(watched["views"]) == len(watched["targets"]) == searched + task.finetune.epochs * 3
    with Tapped(gated(task, guide), sites) as tapped, torch.no_grad():
        for step, (views, targets) in enumerate(zip(watched["views"], watched["targets"], strict=True)):
            half = len(views.clean)
            target, maps = tapped(torch.cat([views.clean, views.other]))
            assert torch.equal(targets[0], target[:half])
            assert torch.equal(targets[1], target[:half])
            assert torch.equal(targets[2], target[half:])
            if step < searched:  # R5: the score sees the clean half alone
                own, its = watched["maps"][step]
                assert [len(one) for one in own] == [half] * len(sites)
                assert all(torch.equal(a, b[:half]) for a, b in zip(its, maps, strict=True))
            else:  # the last site of each stage: of the clean half, and of its AugMix view
                clean, augmented = watched["transfer"][2 * (step - searched) : 2 * (step - searched) + 2]
                assert all(torch.equal(a, b[:half]) for a, b in zip(clean, maps, strict=True))
                seen = tapped(views.augmented)[1]
                assert all(torch.equal(a, b) for a, b in zip(augmented, seen, strict=True))
