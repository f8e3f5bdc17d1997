"""Learning rates of the papers' schedules, and the optimizers that a recipe names."""

import math

import pytest
import torch
from torch import nn

from frontier.results.spec import Recipe
from frontier.training.muon import orthogonalised
from frontier.training.optimizers import ADAM_SHARE, build, lr_factor, set_lr, trainable

SNL_BASE = Recipe(epochs=160, lr=0.1, momentum=0.9, weight_decay=5e-4, schedule="step", milestones=(0.5, 0.75))
SNL_FINETUNE = Recipe(epochs=100, lr=1e-3, momentum=0.9, weight_decay=5e-4, schedule="cosine")
STEPS = 391


@pytest.mark.parametrize(("epoch", "rate"), [(0, 0.1), (79, 0.1), (80, 0.01), (119, 0.01), (120, 0.001), (159, 0.001)])
def test_snl_base_training_drops_its_rate_at_epochs_80_and_120(epoch: int, rate: float) -> None:
    assert SNL_BASE.lr * lr_factor(SNL_BASE, epoch * STEPS, 160 * STEPS) == pytest.approx(rate)


@pytest.mark.parametrize("epoch", [0, 25, 50, 99, 100])
def test_snl_finetuning_rate_is_a_cosine_from_1e_3_to_zero_over_100_epochs(epoch: int) -> None:
    expected = 1e-3 * (1 + math.cos(math.pi * epoch / 100)) / 2
    assert SNL_FINETUNE.lr * lr_factor(SNL_FINETUNE, epoch * STEPS, 100 * STEPS) == pytest.approx(expected)


def test_snl_finetuning_is_sgd_with_momentum_and_weight_decay() -> None:
    (optimizer,) = build(SNL_FINETUNE, [{"params": nn.Linear(2, 2).parameters()}])
    assert isinstance(optimizer, torch.optim.SGD)
    assert (optimizer.defaults["momentum"], optimizer.defaults["weight_decay"]) == (0.9, 5e-4)


def test_warm_up_rises_linearly() -> None:
    recipe = Recipe(epochs=1, lr=1, schedule="constant", warmup_steps=3)
    assert [lr_factor(recipe, step, 10) for step in range(5)] == [0.25, 0.5, 0.75, 1, 1]


def test_a_group_keeps_its_own_peak_rate() -> None:
    a, b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimizers = build(Recipe(epochs=1, optimizer="adam", lr=1e-3), [{"params": [a]}, {"params": [b], "lr": 1e-2}])
    for factor in (0.5, 0.25):
        set_lr(optimizers, factor)
    assert [group["lr"] for group in optimizers[0].param_groups] == [2.5e-4, 2.5e-3]


def test_muon_takes_the_convolutions_and_adam_the_rest() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    muon, adam = build(Recipe(epochs=1, optimizer="muon", lr=0.1), [{"params": trainable(model)}])
    assert {p.ndim for group in muon.param_groups for p in group["params"]} == {4}
    assert {p.ndim for group in adam.param_groups for p in group["params"]} == {1, 2}
    assert adam.param_groups[0]["lr"] == pytest.approx(0.1 * ADAM_SHARE)


@pytest.mark.parametrize("shape", [(8, 3, 3, 3), (32, 2, 2, 2)])
def test_orthogonalised_pushes_singular_values_towards_one(shape: tuple[int, ...]) -> None:
    gradient = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    singular = torch.linalg.svdvals(orthogonalised(gradient).flatten(1))
    assert orthogonalised(gradient).shape == shape
    assert float(singular.min()) > 0.3
    assert float(singular.max()) < 1.4
