"""What each method's stages minimise and by which recipe: every step's loss against the paper's sum, done by hand.

RLNet's are in test_rlnet_losses.py, the finetuning that all methods share in tests/training/test_finetune.py.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from by_hand import Step, Watch, at, ce, kd, seen, sharpened
from method_task import RELUS, small_task, state
from torch import Tensor

from frontier.methods import autorep, senet, snl, streamlinet
from frontier.nn.hysteresis import HysteresisGate
from frontier.nn.network import Classifier
from frontier.nn.surgery import gates, mask_of
from frontier.results.spec import Recipe
from frontier.training.task import Task, gated

SITES = ("relu1", "relu2")  # tinynet's, of 8x8 and 4x4 positions: each ends a stage
SENET = senet.Knobs(mask_epochs=2, mask_batch=32, proxy_epochs=2)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return sharpened(small_task(tmp_path))


def close(step: Step, by_hand: Tensor) -> None:
    torch.testing.assert_close(step.value, by_hand.detach(), rtol=1e-4, atol=1e-5)


def alphas(student: Classifier) -> list[Tensor]:
    found = [student.get_parameter(f"body.{path}.alpha").detach() for path in SITES]
    assert sum(alpha.numel() for alpha in found) == RELUS
    return found


def outputs(step: Step, task: Task) -> tuple[Tensor, Tensor, list[Tensor], list[Tensor]]:
    """(logits of the student, of the teacher, activations of the student, of the teacher)."""
    said, own = seen(step.student, SITES, step.pixels)
    target, its = seen(task.teacher, SITES, step.pixels)
    return said, target, own, its


def rates(groups: list[dict[str, object]], recipe: Recipe) -> list[object]:
    return [group.get("lr", recipe.lr) for group in groups]


# SNL


def test_snl_the_search_minimises_ce_and_kd_and_lambda_times_the_sum_of_the_masks(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch.steps(monkeypatch)
    # a mask_lr that lets no mask fall to the threshold: every epoch is a stall, and lambda doubles
    snl.linearize(task, snl.Knobs(max_epochs=3, batch=32, penalty=0.01, growth=2.0, patience_epochs=0, mask_lr=0.01))
    steps = watch["search"].steps
    assert len(steps) == 9
    for index, step in enumerate(steps):
        said, target, _, _ = outputs(step, task)
        assert kd(said, target) > 1e-3
        penalty = 0.01 * 2 ** (index // 3)
        close(
            step, ce(said, step.labels) + kd(said, target) + penalty * sum(a.abs().sum() for a in alphas(step.student))
        )


def test_snl_without_its_weight_there_is_no_kd(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch.steps(monkeypatch)
    snl.linearize(task, snl.Knobs(max_epochs=1, batch=32, penalty=0.01, distill_weight=0.0))
    for step in watch["search"].steps:
        said = outputs(step, task)[0]
        close(step, ce(said, step.labels) + 0.01 * sum(a.abs().sum() for a in alphas(step.student)))


def test_snl_10_the_search_is_adam_at_1e_3_on_weights_and_masks_alike(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch.idle(monkeypatch)
    snl.linearize(task, snl.Knobs())
    search = watch["search"]
    assert search.recipe == Recipe(epochs=2000, optimizer="adam", lr=1e-3, schedule="constant", batch=128)
    assert rates(search.options["groups"], search.recipe) == [1e-3, 1e-3]
    assert search.options["passes"] == 4.0
    assert watch["finetune"].recipe == task.finetune


# AutoReP


def test_autorep_the_search_minimises_ce_and_kd_and_the_excess_over_the_budget(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch.steps(monkeypatch)
    knobs = autorep.Knobs(epochs=6, score_lr=0.05, batch=32, warmup_steps=10, penalty=8.0)
    autorep.linearize(replace(task, relu_budget=150), knobs)
    counts = []
    for step in watch["search"].steps:
        said, target, _, _ = outputs(step, task)  # this forward moves the states
        found = [one for one in gates(step.student.body).values() if isinstance(one, HysteresisGate)]
        counts.append(sum(int(one.state.sum()) for one in found))
        assert kd(said, target) > 1e-3
        close(step, ce(said, step.labels) + kd(said, target) + 8.0 * max(0, counts[-1] - 150) / RELUS)
    assert counts[0] == RELUS
    assert min(counts) <= 150 < max(counts[1:])


def test_autorep_the_search_is_adam_at_1e_3_with_a_cosine_on_weights_scores_and_coefficients(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch.idle(monkeypatch)
    autorep.linearize(task, autorep.Knobs())
    search = watch["search"]
    assert search.recipe == Recipe(epochs=200, optimizer="adam", lr=1e-3, schedule="cosine", batch=128)
    assert rates(search.options["groups"], search.recipe) == [1e-3, 1e-3]
    assert {f"body.{path}.{kind}" for path in SITES for kind in ("score", "coefficients")} <= set(search.trained)


def test_autorep_the_search_moves_the_coefficients_where_no_relu_is_left(task: Task) -> None:
    knobs = autorep.Knobs(epochs=2, warmup_steps=0)
    student = gated(task, task.teacher, autorep.maker(task, knobs))
    searched = autorep.hysteresis_gates(student)
    for found in searched.values():
        found.state.zero_()
        with torch.no_grad():
            found.score.fill_(-0.5)
    before = state(student)
    autorep.search(task, student, knobs)
    for path in searched:
        name = f"body.{path}.coefficients"
        assert not torch.equal(before[name], state(student)[name])


# What the optimizers have


@pytest.mark.parametrize("method", [snl, autorep, streamlinet, senet])
def test_every_stage_trains_every_parameter_of_the_student_once(
    task: Task, monkeypatch: pytest.MonkeyPatch, method: Any
) -> None:
    watch = Watch.idle(monkeypatch)
    knobs = {"surrogate": "degree2", **({"proxy_epochs": 1} if method in (senet, streamlinet) else {})}
    method.linearize(task, method.Knobs(**knobs))
    for name in ("search", "finetune"):
        assert sorted(watch[name].trained) == sorted(watch[name].parameters)
    assert {f"body.{path}.coefficients" for path in SITES} <= set(watch["finetune"].trained)


# SENet


def test_s7_the_search_minimises_half_ce_and_half_kl(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch.steps(monkeypatch)
    senet.linearize(task, SENET)
    assert len(watch["search"].steps) == 6
    for step in watch["search"].steps:
        said, target, _, _ = outputs(step, task)
        assert kd(said, target) > 1e-3
        close(step, 0.5 * ce(said, step.labels) + 0.5 * kd(said, target))


def test_s7_the_search_is_sgd_at_a_constant_rate(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch.idle(monkeypatch)
    senet.linearize(task, senet.Knobs(proxy_epochs=1))
    wanted = Recipe(epochs=150, lr=0.05, momentum=0.9, weight_decay=5e-4, schedule="constant", batch=128)
    assert watch["search"].recipe == wanted
    assert (watch["search"].recipe.optimizer, watch["search"].options["passes"]) == ("sgd", 4.0)
    assert watch["finetune"].recipe == task.finetune


def test_s7_the_second_mask_depends_on_the_second_epochs_differences_alone(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch.steps(monkeypatch)
    student = gated(task, task.fresh(task.seed, {}))
    senet.search(task, student, None, senet.shares(task, SENET, task.relu_budget), SENET)
    steps = watch["search"].steps
    assert len(steps) == 6
    counts = mask_of(steps[0].student.body).counts
    sums: dict[int, list[Tensor]] = {}
    for index, step in enumerate(steps):
        _, _, own, its = outputs(step, task)
        each = [(a - b).abs().sum(0) for a, b in zip(own, its, strict=True)]
        before = sums.setdefault(index // 3, [torch.zeros_like(one) for one in each])
        for total, one in zip(before, each, strict=True):
            total += one
    assert kept(sums[0], counts) == kept_by(steps[3].student)
    assert kept(sums[1], counts) == kept_by(student)
    both = [a + b for a, b in zip(sums[0], sums[1], strict=True)]
    assert kept(both, counts) != kept_by(student)


def kept(sums: list[Tensor], counts: dict[str, int]) -> list[set[int]]:
    """The positions of each site's largest sums."""
    return [
        set(np.argsort(-one.numpy().ravel(), kind="stable")[: counts[path]].tolist())
        for path, one in zip(SITES, sums, strict=True)
    ]


def kept_by(student: Classifier) -> list[set[int]]:
    return [set(np.flatnonzero(mask_of(student.body).bits(path)).tolist()) for path in SITES]


def test_s9_the_finetuning_minimises_a_tenth_of_ce_and_half_kl_and_1000_at(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch.steps(monkeypatch)
    senet.linearize(task, SENET)
    for step in watch["finetune"].steps:
        said, target, own, its = outputs(step, task)
        assert at(own, its) > 1e-5
        close(step, 0.1 * ce(said, step.labels) + 0.5 * kd(said, target) + 1000 * at(own, its))


@pytest.mark.parametrize("stage", ["search", "finetune"])
def test_senet_both_widths_minimise_the_sum_of_their_losses(
    task: Task, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    watch = Watch.steps(monkeypatch)
    senet.linearize(replace(task, widths={"width": 2}), SENET.model_copy(update={"half_width": True}))
    for step in watch[stage].steps:
        wide, narrow = step.networks
        for name in ("conv1.weight", "conv2.weight", "head.weight", "head.bias"):
            own = narrow.body.get_parameter(name)
            with torch.no_grad():
                own.copy_(wide.body.get_parameter(name)[tuple(slice(size) for size in own.shape)])
        target, its = seen(task.teacher, SITES, step.pixels)
        total = torch.zeros(())
        for network in (wide, narrow):
            said, maps = seen(network, SITES, step.pixels)
            hard, soft = ce(said, step.labels), kd(said, target)
            total += 0.5 * hard + 0.5 * soft if stage == "search" else 0.1 * hard + 0.5 * soft + 1000 * at(maps, its)
        close(step, total)


# StreamliNet-style


def costs(task: Task) -> list[Tensor]:
    """E[max(-z, 0)] of what each ReLU of the teacher is fed."""
    pixels = task.train.pixels.float() / 255
    fed = seen(task.teacher, ("bn1", "bn2"), pixels)[1]
    return [(-z).clamp(min=0).mean(0) for z in fed]


def consistency(own: list[Tensor], its: list[Tensor], masks: list[Tensor], cost: list[Tensor]) -> Tensor:
    total = torch.zeros(())
    for a, b, mask, price in zip(own, its, masks, cost, strict=True):
        omega = (1 - mask) * price
        omega = omega / omega.mean() if omega.any() else omega
        a, b = (one.flatten(1) / one.flatten(1).norm(dim=1, keepdim=True) for one in (a, b))
        total = total + (omega.flatten() * (a - b) ** 2).sum(1).mean()
    return total


@pytest.mark.parametrize("pressure", ["excess", "even"])
def test_streamlinet_the_search_minimises_ce_kd_the_consistency_and_the_pressed_masks(
    task: Task, monkeypatch: pytest.MonkeyPatch, pressure: str
) -> None:
    watch = Watch.steps(monkeypatch)
    knobs = streamlinet.Knobs(
        epochs=2, batch=32, mask_lr=0.05, penalty=0.02, pressure=pressure, w_sensitivity=0, consistency_weight=3.0
    )
    (candidate,) = streamlinet.linearize(task, knobs).candidates
    counts, cost = mask_of(candidate.model.body).counts, costs(task)
    assert counts["relu1"] / 128 != counts["relu2"] / 64
    steps = watch["search"].steps
    assert len(steps) == 6
    for step in steps:
        said, target, own, its = outputs(step, task)
        masks = alphas(step.student)
        unlike = consistency(own, its, masks, cost)
        weights = [1 - counts[path] / mask.numel() for path, mask in zip(SITES, masks, strict=True)]
        pressed = sum(
            (weight if pressure == "excess" else 1.0) * mask.abs().sum()
            for weight, mask in zip(weights, masks, strict=True)
        )
        close(step, ce(said, step.labels) + kd(said, target) + 3.0 * unlike + 0.02 * pressed)
    assert 3.0 * unlike > 1e-2


def test_streamlinet_the_search_is_snls_adam(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch.idle(monkeypatch)
    streamlinet.linearize(task, streamlinet.Knobs(proxy_epochs=1))
    search = watch["search"]
    assert search.recipe == Recipe(epochs=50, optimizer="adam", lr=1e-3, schedule="constant", batch=128)
    assert rates(search.options["groups"], search.recipe) == [1e-3, 1e-3]
