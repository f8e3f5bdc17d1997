"""A task on made images that a method solves in seconds: four classes of bright rows, a network of 192 ReLUs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from frontier.nn.network import Classifier, build
from frontier.results.spec import Recipe
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.training.task import Task, Tensors

IMAGE = (1, 8, 8)
RELUS = 192  # tinynet of width 2
WIDTH = 2

# Knobs with which a trial of the contract takes about a second; methods that are fast by default need none
SMALL_KNOBS: dict[str, dict[str, object]] = {
    "senet": {"mask_epochs": 3, "mask_batch": 50, "proxy_epochs": 2},
    "rlnet": {"epochs": 1, "batch": 100, "attack_steps": 1, "proxy_epochs": 1, "teacher_epochs": 1},
    "autorep": {"epochs": 4, "score_lr": 0.1, "batch": 50, "warmup_steps": 10},
    "snl": {"penalty": 0.01, "max_epochs": 4, "mask_lr": 0.05, "batch": 50, "exact": True},
    "streamlinet": {"epochs": 4, "penalty": 0.01, "mask_lr": 0.05, "batch": 50, "proxy_epochs": 2},
}


def images(count: int = 96) -> Images:
    dice = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 4
    pixels = torch.randint(0, 80, (count, *IMAGE), generator=dice, dtype=torch.uint8)
    for label in range(4):
        pixels[labels == label, :, 2 * label : 2 * label + 2] += 150
    return Images(pixels, labels)


def fresh(seed: int, options: Mapping[str, Any] | None = None) -> Classifier:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = build("tinynet", IMAGE, 4, options={"width": WIDTH, **(options or {})})
    return Classifier(body, (0.3,), (0.3,))


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def small_task(tmp_path: Path) -> Task:
    shelf: dict[str, Tensors] = {}
    context = Context(device=torch.device("cpu"), checkpoints=tmp_path)

    def cached(name: str, key: Mapping[str, Any], train: Callable[[Context], Tensors]) -> Tensors:
        found = f"{name} {dict(key)}"
        if found not in shelf:
            own = replace(context, checkpoints=tmp_path / name, passes={})
            shelf[found] = {k: v.clone() for k, v in train(own).items()}
        return shelf[found]

    return Task(
        teacher=fresh(0).eval(),
        image=IMAGE,
        outer=(),
        train=images(),
        validation=images(32),
        relu_budget=40,
        finetune=Recipe(epochs=3, lr=0.05, weight_decay=5e-4, batch=32),
        seed=0,
        context=context,
        teacher_recipe=Recipe(epochs=3, optimizer="adam", lr=0.01, batch=32),
        fresh=fresh,
        cached=cached,
        options={"width": WIDTH},
    )
