"""Keeps every ReLU and says that this was its budget."""

import torch

from frontier.frozen import Frozen
from frontier.nn.gates import FrozenGate
from frontier.nn.surgery import gate
from frontier.training.task import Candidate, Linearized, Task

FIDELITY, PAPER, DEVIATIONS = "baseline", "none", ()


class Knobs(Frozen):
    pass


def passes(knobs: Knobs) -> float:
    return 0.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    body = gate(task.teacher.body, task.image, lambda site: FrozenGate(torch.ones(site.shape).bool()))
    return Linearized((Candidate(task.teacher.around(body), 10**6),))
