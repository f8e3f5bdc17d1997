"""Optimizers and learning-rate schedules as a recipe names them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from frontier.results.spec import Recipe
from frontier.training.muon import Muon

# Muon shapes convolutions; what is left (head, biases, batch norm) takes Adam at this share of the rate
ADAM_SHARE = 0.1


def lr_factor(recipe: Recipe, step: int, total: int) -> float:
    """What the peak rate is multiplied by at `step` of `total` steps (0-based).

    cosine: 1 -> 0; linear: 1 -> 0; step: x0.1 at each milestone; all after `warmup_steps` of a linear rise.
    """
    if step < recipe.warmup_steps:
        return (step + 1) / (recipe.warmup_steps + 1)
    done = step / max(total, 1)
    if recipe.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    if recipe.schedule == "linear":
        return 1 - done
    if recipe.schedule == "step":
        return 0.1 ** sum(done >= milestone for milestone in recipe.milestones)
    return 1.0


def build(recipe: Recipe, groups: Iterable[dict[str, Any]]) -> list[torch.optim.Optimizer]:
    """One or two optimizers over the parameter groups; a group may bring its own `lr`."""
    listed = [{"lr": recipe.lr, **group, "params": list(group["params"])} for group in groups]
    if recipe.optimizer == "sgd":
        return [torch.optim.SGD(listed, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)]
    if recipe.optimizer == "adam":
        return [torch.optim.Adam(listed, lr=recipe.lr, weight_decay=recipe.weight_decay)]
    convolutions = [{**g, "params": [p for p in g["params"] if p.ndim == 4]} for g in listed]
    others = [{**g, "lr": g["lr"] * ADAM_SHARE, "params": [p for p in g["params"] if p.ndim != 4]} for g in listed]
    built: list[torch.optim.Optimizer] = []
    if any(group["params"] for group in convolutions):
        built.append(Muon(convolutions, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay))
    if any(group["params"] for group in others):
        built.append(torch.optim.Adam(others, lr=recipe.lr * ADAM_SHARE, weight_decay=recipe.weight_decay))
    return built


def set_lr(optimizers: list[torch.optim.Optimizer], factor: float) -> None:
    """Multiply every group's own peak rate, remembered at the first call, by `factor`."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("peak_lr", group["lr"]) * factor


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """Parameters that require a gradient."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
