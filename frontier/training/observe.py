"""Watching what the gates of a network are fed, over images: the statistics that scores and surrogates come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from frontier.nn.network import Classifier
from frontier.nn.surgery import gates
from frontier.training.batches import Images, to_unit
from frontier.training.task import Task

BATCH = 250
MOMENT_IMAGES = 2000  # whose inputs a surrogate is fitted to


def first(images: Images, count: int | None) -> Images:
    """The first `count` images (None: all); a training split is in no particular order of classes."""
    return Images(images.pixels[:count], images.labels[:count])


@torch.no_grad()
def gate_inputs(task: Task, model: Classifier, images: Images, stage: str) -> Iterator[dict[str, Tensor]]:
    """The inputs (B, C, H, W) of every gate by site path, batch by batch, in eval mode and float32. Costs one pass an
    image, charged to `stage`."""
    model.eval()
    seen: dict[str, Tensor] = {}
    handles = [found.register_forward_pre_hook(_keep(seen, path)) for path, found in gates(model.body).items()]
    try:
        for at in range(0, len(images), BATCH):
            task.context.check()
            model(to_unit(images.pixels[at : at + BATCH]))
            yield seen
    finally:
        for handle in handles:
            handle.remove()
    task.context.spend(stage, len(images) / len(task.train))


def mean_over(inputs: Iterator[dict[str, Tensor]], score: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """E[score(z)] over all images at every position: (C, H, W) float64 by site path."""
    summed: dict[str, Tensor] = {}
    count = 0
    for batch in inputs:
        for path, z in batch.items():
            value = score(z).double().sum(dim=0)
            summed[path] = summed[path] + value if path in summed else value
        count += len(next(iter(batch.values())))
    return {path: value / count for path, value in summed.items()}


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation (C,) of the inputs of one site, over images and positions."""

    mean: Tensor
    std: Tensor


def moments(task: Task, model: Classifier) -> Mapping[str, Moments]:
    """By site path, over the first MOMENT_IMAGES training images."""
    images = first(task.train, MOMENT_IMAGES)
    both = mean_over(
        gate_inputs(task, model, images, "moments"), lambda z: torch.stack([z.double(), z.double() ** 2], 1)
    )
    found = {}
    for path, (mean, square) in both.items():
        m, s = (moment.reshape(len(moment), -1).mean(dim=1) for moment in (mean, square))
        found[path] = Moments(m, (s - m * m).clamp(min=0).sqrt())
    return found


def _keep(seen: dict[str, Tensor], path: str) -> Callable[[torch.nn.Module, tuple[Tensor, ...]], None]:
    def hook(module: torch.nn.Module, args: tuple[Tensor, ...]) -> None:
        seen[path] = args[0]

    return hook
