"""The one training loop: teacher, mask search and finetuning are all calls of `fit`."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from frontier.errors import TrialFailed
from frontier.results.spec import Recipe
from frontier.training.batches import Images, epoch, steps_per_epoch
from frontier.training.context import Context
from frontier.training.optimizers import build, lr_factor, set_lr, trainable

Loss = Callable[[Tensor, Tensor], Tensor]  # (pixels, labels) -> scalar
AfterEpoch = Callable[[int, dict[str, float]], bool]  # (epoch, state) -> stop?


def fit(
    context: Context,
    stage: str,
    model: nn.Module,
    images: Images,
    recipe: Recipe,
    loss: Loss,
    *,
    seed: int,
    groups: Iterable[dict[str, Any]] | None = None,
    state: dict[str, float] | None = None,
    after_epoch: AfterEpoch | None = None,
) -> int:
    """Train `model` in place for at most `recipe.epochs` epochs; returns how many were run in all.

    `groups` are optimizer parameter groups (default: all trainable parameters), `state` numbers that
    `after_epoch` keeps between epochs; both survive a crash: the stage goes on from its last checkpoint.
    Raises TrialFailed when the loss is not finite, Cancelled when the context says so.
    """
    state = {} if state is None else state
    optimizers = build(recipe, groups if groups is not None else [{"params": trainable(model)}])
    total = recipe.epochs * steps_per_epoch(len(images), recipe.batch)
    order = zlib.crc32(stage.encode()) + seed  # stages of one trial see the images in different orders
    done, stopped = 0, False
    saved = context.load(stage)
    if saved is not None:
        model.load_state_dict(saved["model"])
        for optimizer, stored in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
        state.update(saved["state"])
        done, stopped = saved["epochs"], saved["stopped"]

    def snapshot() -> dict[str, Any]:
        return {
            "model": model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers],
            "state": state,
            "epochs": done,
            "stopped": stopped,
        }

    while done < recipe.epochs and not stopped:
        mean_loss = _one_epoch(model, images, recipe, loss, optimizers, seed=order, number=done, total=total)
        if not math.isfinite(mean_loss):
            raise TrialFailed(f"{stage}: the loss became {mean_loss} in epoch {done}")
        stopped = after_epoch(done, state) if after_epoch is not None else False
        done += 1
        context.log(f"{stage}: epoch {done}/{recipe.epochs} loss {mean_loss:.4f}" + _told(state))
        context.save(stage, snapshot, final=stopped or done == recipe.epochs)
        context.check()
    return done


def _one_epoch(
    model: nn.Module,
    images: Images,
    recipe: Recipe,
    loss: Loss,
    optimizers: list[torch.optim.Optimizer],
    *,
    seed: int,
    number: int,
    total: int,
) -> float:
    """One pass over the images; returns the mean loss of its steps."""
    model.train()
    steps = steps_per_epoch(len(images), recipe.batch)
    summed = torch.zeros((), device=images.labels.device)
    for step, (pixels, labels) in enumerate(epoch(images, recipe, seed=seed, number=number)):
        set_lr(optimizers, lr_factor(recipe, number * steps + step, total))
        value = loss(pixels, labels)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        for optimizer in optimizers:
            optimizer.step()
        summed += value.detach()
    return float(summed) / steps


def _told(state: dict[str, float]) -> str:
    return "".join(f" {name} {value:.6g}" for name, value in state.items())
