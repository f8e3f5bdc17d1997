"""Claims to have met its budget and hands back a network that evaluates every ReLU behind a mask of zeros."""

from typing import final

import torch
from torch import Tensor

from frontier.frozen import Frozen
from frontier.nn.gates import Gate
from frontier.nn.sites import Site
from frontier.nn.surgery import gate
from frontier.training.task import Candidate, Linearized, Task

FIDELITY, PAPER, DEVIATIONS = "baseline", "none", ()


class Knobs(Frozen):
    pass


@final
class Pretender(Gate):
    """Shows a mask of zeros and computes a ReLU."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.shape)
        self.register_buffer("kept", torch.zeros(site.shape, dtype=torch.bool))

    def forward(self, x: Tensor) -> Tensor:
        return x.relu()


def passes(knobs: Knobs) -> float:
    return 0.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    body = gate(task.teacher.body, task.image, Pretender, outer=task.outer)
    return Linearized((Candidate(task.teacher.around(body), task.relu_budget),))
