"""Planned: a plan of `frontier price` as a network. Nothing is trained: only the norms' statistics are counted.

With the ReLUs of a fresh network gone its activations would grow from layer to layer, and fixed point wants them near
1: so the running statistics of the norms are those of some training images, with the mask in place.
"""

from __future__ import annotations

import torch
from torch import nn

from frontier.api.plan import plan
from frontier.nn.profile import profile
from frontier.training.batches import generator, to_unit
from frontier.training.finetune import Finetuning
from frontier.training.freeze import freeze
from frontier.training.select import largest_by_site
from frontier.training.task import Candidate, Linearized, Task, gated

FIDELITY = "baseline"
PAPER = "none: shows what a plan takes, whose latency depends on its mask alone"
DEVIATIONS: tuple[str, ...] = ()
IMAGES, BATCH = 100, 50


class Knobs(Finetuning):
    """`last_layers`: into so many last sites the ReLUs are packed; 0 spreads them over all sites in proportion."""

    last_layers: int = 0


def passes(knobs: Knobs) -> float:
    """Nothing is searched."""
    return 0.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """The plan's counts, the places within a site drawn by the seed; then the norms' statistics."""
    plain = profile(task.teacher.body, task.image, outer=task.outer)
    planned = plan(plain, task.relu_budget, knobs.last_layers or None)
    dice = generator(task.seed)
    scores = {site.path: torch.rand(site.shape, generator=dice).numpy() for site in task.sites()}
    student = gated(task, task.teacher)
    freeze(task, student, largest_by_site(scores, {site.path: site.kept for site in planned.sites}), knobs)
    student.train()
    for norm in (module for module in student.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over batches
    with torch.no_grad():
        for pixels in to_unit(task.train.pixels[:IMAGES]).split(BATCH):
            student(pixels)
    return Linearized((Candidate(student.eval(), task.relu_budget),))
