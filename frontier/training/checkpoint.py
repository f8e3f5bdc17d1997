"""Which epoch of a finetuning is handed back: the last one, or the one that was best on validation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from frontier.nn.network import Classifier
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
    task: Task, stage: str, model: nn.Module, checkpoint: Checkpoint, epochs: int, serve: Callable[[], Classifier]
) -> Iterator[AfterEpoch | None]:
    """What is to be called after each of the `epochs` of the finetuning inside; on leaving, `model` has the chosen
    weights. `serve` hands out the network that would be served, which is in `model` or is it.

    With "validation" those of the epoch with the highest accuracy on the task's validation images (the earlier, if
    equal); it survives a crash. Looking costs `looks` passes an image and step. Rungs are looked at besides.
    """
    rung = task.context.rung
    if checkpoint == "last" and rung is None:
        yield None
        return
    kept = f"{stage}-best"

    def keep_best(epoch: int, state: dict[str, float]) -> None:
        state["validation"] = accuracy(serve(), task.validation)
        if state["validation"] > state.get("best", -1.0):
            state["best"] = state["validation"]
            save: Callable[[], dict[str, Any]] = partial(dict, model=model.state_dict(), epochs=epoch + 1)
            task.context.save(kept, save, final=True)

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        if checkpoint == "validation":
            keep_best(epoch, state)
        if rung is not None:
            rung(stage, serve, epoch + 1, epochs)
        return False

    yield after_epoch
    saved = task.context.load(kept)
    if saved is not None:
        model.load_state_dict(saved["model"])
        task.context.log(f"{stage}: epoch {saved['epochs']} was best on validation")


def looks(task: Task, checkpoint: Checkpoint) -> float:
    """Network passes that looking at validation adds to each image and step."""
    return len(task.validation) / len(task.train) if checkpoint == "validation" else 0.0
