"""Culling: groups of sites lose their ReLUs, each time the group without which the training loss rises least.

The order of DeepReDuce (Jha, Ghodsi, Garg and Reagen, ICML 2021), which trains a network for each group that it tries;
here a group's criticality is the loss of the teacher without it, untrained, which takes forward passes alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from frontier.masks.mask import Mask
from frontier.nn.network import Classifier
from frontier.nn.sites import Site
from frontier.nn.surgery import set_mask
from frontier.training.batches import to_unit
from frontier.training.losses import cross_entropy
from frontier.training.observe import BATCH, first
from frontier.training.task import Task, gated, with_closed

Group = tuple[Site, ...]


@dataclass(frozen=True)
class Culled:
    """Groups in the order in which they were dropped, and those that are left, in order of execution."""

    dropped: tuple[Group, ...]
    left: tuple[Group, ...]


def cull(task: Task, groups: Sequence[Group], room: int, images: int, stage: str) -> Culled:
    """Drop the least critical group again and again, of those with at most `room` ReLUs together with what is dropped
    already, and measure again after each; one group stays. Among equal ones the earlier goes first.

    The loss is that of the first `images` training images; what they take is charged to `stage`.
    """
    model = gated(task, task.teacher)
    left, dropped = list(groups), list[Group]()
    shown = 0
    while len(left) > 1:
        losses = [loss_with(task, model, [*left[:i], *left[i + 1 :]], images) for i in range(len(left))]
        shown += len(left)
        task.context.spend(stage, shown * images / len(task.train))
        fitting = [i for i, group in enumerate(left) if total([*dropped, group]) <= room]
        if not fitting:
            break
        least = min(fitting, key=lambda i: (losses[i], i))
        task.context.log(f"{stage}: loss {losses[least]:.4g} without {', '.join(site.path for site in left[least])}")
        dropped.append(left.pop(least))
    return Culled(tuple(dropped), tuple(left))


def images_of_a_pass(task: Task, groups: int) -> int:
    """How many training images `cull` may look at each time, so that all times together take one pass over them."""
    return max(1, len(task.train) * 2 // (groups * (groups + 1)))


@torch.no_grad()
def loss_with(task: Task, model: Classifier, kept: Sequence[Group], images: int) -> float:
    """Mean cross-entropy of the gated `model` on the first training images, with the ReLUs of `kept` alone; infinite
    where a logit is."""
    paths = {site.path for group in kept for site in group}
    bits = {site.path: np.full(site.shape, site.path in paths) for site in task.sites()}
    set_mask(model.body, with_closed(task, Mask.of(bits)))
    model.eval()
    chosen = first(task.train, images)
    losses = []
    for at in range(0, len(chosen), BATCH):
        task.context.check()
        labels = chosen.labels[at : at + BATCH]
        losses.append(float(cross_entropy(model(to_unit(chosen.pixels[at : at + BATCH])), labels)) * len(labels))
    mean = sum(losses) / len(chosen)
    return math.inf if math.isnan(mean) else mean


def total(groups: Sequence[Sequence[Site]]) -> int:
    """Their ReLUs."""
    return sum(site.relus for group in groups for site in group)
