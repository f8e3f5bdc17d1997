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
Passed = Callable[[int, dict[str, float], Callable[[], dict[str, Any]]], None]  # (epochs, state, checkpoint)


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
    passes: float = 3.0,
    steps: int | None = None,
    after_step: Callable[[], None] | None = None,
    passed: Passed | None = None,
) -> int:
    """Train `model` in place for `recipe.epochs` epochs, or for `steps` steps; returns how many epochs were begun.

    `groups` are optimizer parameter groups (default: all trainable parameters), `state` numbers that
    `after_epoch` keeps between epochs; both survive a crash: the stage goes on from its last checkpoint.
    `passes` is what one image costs in one step, in network passes; the stage is charged for them. `after_step` runs
    when the optimizers have stepped, `passed` when an epoch is over, with the checkpoint as it is then. Raises
    TrialFailed when the loss is not finite, Cancelled on demand. In a rehearsal (`context.rehearsal`) a few steps are
    taken, and the stage is charged for all of them.
    """
    state = {} if state is None else state
    optimizers = build(recipe, groups if groups is not None else [{"params": trainable(model)}])
    each = steps_per_epoch(len(images), recipe.batch)
    total = recipe.epochs * each if steps is None else steps
    epochs = -(-total // each)
    order = zlib.crc32(stage.encode()) + seed  # stages of one trial see the images in different orders
    if context.rehearsal is not None and total:
        all_steps, all_epochs = context.rehearsal.planned(len(images), recipe.batch, recipe.epochs, steps)
        with context.rehearsal.training(stage, all_steps, all_epochs, context.device) as watch:
            _one_epoch(
                model, images, recipe, loss, optimizers, after_step, watch.enough, seed=order, number=0, total=total
            )
            watch.after(lambda: after_epoch is not None and after_epoch(0, state))
        context.spend(stage, passes * all_epochs)
        return epochs
    done, stopped = 0, False
    saved = context.load(stage)
    if saved is not None:
        context.log(f"{stage}: goes on after epoch {saved['epochs']}")
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

    def charge() -> None:
        context.spend(stage, passes * min(done, total / each))

    charge()
    while done < epochs and not stopped:
        mean_loss = _one_epoch(
            model, images, recipe, loss, optimizers, after_step, None, seed=order, number=done, total=total
        )
        if not math.isfinite(mean_loss):
            raise TrialFailed(f"{stage}: the loss became {mean_loss} in epoch {done}")
        stopped = after_epoch(done, state) if after_epoch is not None else False
        done += 1
        charge()
        context.log(f"{stage}: epoch {done}/{epochs} loss {mean_loss:.4f}" + _told(state))
        context.save(stage, snapshot, final=stopped or done == epochs)
        if passed is not None:
            passed(done, state, snapshot)
        context.check()
    return done


def _one_epoch(
    model: nn.Module,
    images: Images,
    recipe: Recipe,
    loss: Loss,
    optimizers: list[torch.optim.Optimizer],
    after_step: Callable[[], None] | None,
    enough: Callable[[], bool] | None,
    *,
    seed: int,
    number: int,
    total: int,
) -> float:
    """One pass over the images, or as much of it as `total` steps leave; returns the mean loss of its steps."""
    model.train()
    each = steps_per_epoch(len(images), recipe.batch)
    steps = min(each, total - number * each)
    summed = torch.zeros((), device=images.labels.device)
    batches = epoch(images, recipe, seed=seed, number=number)
    for step, (pixels, labels) in zip(range(steps), batches, strict=False):
        set_lr(optimizers, lr_factor(recipe, number * each + step, total))
        value = loss(pixels, labels)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        for optimizer in optimizers:
            optimizer.step()
        if after_step is not None:
            after_step()
        summed += value.detach()
        if enough is not None and enough():
            break
    return float(summed) / steps


def _told(state: dict[str, float]) -> str:
    return "".join(f" {name} {value:.6g}" for name, value in state.items())
