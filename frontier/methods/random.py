"""Random: a mask drawn uniformly from all masks of the budget, then the finetuning that every method has.

What a method is worth is what it gains over this, under the same recipe and surrogate.
"""

from __future__ import annotations

import torch

from frontier.training.batches import generator
from frontier.training.finetune import Finetuning, finetune
from frontier.training.freeze import freeze
from frontier.training.select import largest
from frontier.training.task import Candidate, Linearized, Task, gated

FIDELITY = "baseline"
PAPER = "none: the control of every comparison"
DEVIATIONS: tuple[str, ...] = ()


class Knobs(Finetuning):
    """Those of finetuning: to compare a method with random masks, give both the same."""


def passes(knobs: Knobs) -> float:
    """Drawing costs nothing."""
    return 0.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Keep the positions that drew the largest numbers, freeze, finetune."""
    dice = generator(task.seed)
    scores = {site.path: torch.rand(site.shape, generator=dice).numpy() for site in task.sites()}
    student = gated(task, task.teacher)
    freeze(task, student, largest(scores, task.relu_budget), knobs)
    finetune(task, student, knobs)
    return Linearized((Candidate(student, task.relu_budget),))
