"""Which epoch of a finetuning is handed back: the last one, or the one that was best on validation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from frontier.training.batches import Images, to_unit
from frontier.training.fit import AfterEpoch
from frontier.training.task import Task

Checkpoint = Literal["last", "validation"]
BATCH = 500


@torch.no_grad()
def accuracy(model: nn.Module, images: Images) -> float:
    """The share of images that `model` has right, in eval mode; its training flags are left as they were."""
    flags = [(module, module.training) for module in model.modules()]
    model.eval()
    right = sum(
        int((model(to_unit(images.pixels[at : at + BATCH])).argmax(1) == images.labels[at : at + BATCH]).sum())
        for at in range(0, len(images), BATCH)
    )
    for module, training in flags:
        module.training = training
    return right / len(images)


@contextlib.contextmanager
def chosen(
    task: Task, stage: str, model: nn.Module, checkpoint: Checkpoint, score: Callable[[], float] | None = None
) -> Iterator[AfterEpoch | None]:
    """What is to be called after each epoch of the training inside; on leaving, `model` has the chosen weights.

    With "validation" those of the epoch with the highest `score` (the earlier, if equal; None: accuracy on the task's
    validation images); it survives a crash. Looking costs `looks` passes an image and step.
    """
    if checkpoint == "last":
        yield None
        return
    kept = f"{stage}-best"
    look = score or partial(accuracy, model, task.validation)

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        state["validation"] = look()
        if state["validation"] > state.get("best", -1.0):
            state["best"] = state["validation"]
            save: Callable[[], dict[str, Any]] = partial(dict, model=model.state_dict(), epochs=epoch + 1)
            task.context.save(kept, save, final=True)
        return False

    yield after_epoch
    saved = task.context.load(kept)
    if saved is not None:
        model.load_state_dict(saved["model"])
        task.context.log(f"{stage}: epoch {saved['epochs']} was best on validation")


def looks(task: Task, checkpoint: Checkpoint) -> float:
    """Network passes that looking at validation adds to each image and step."""
    return len(task.validation) / len(task.train) if checkpoint == "validation" else 0.0
