"""Its loss becomes NaN while it trains."""

from torch import Tensor

from frontier.frozen import Frozen
from frontier.training.fit import fit
from frontier.training.task import Linearized, Task

FIDELITY, PAPER, DEVIATIONS = "baseline", "none", ()


class Knobs(Frozen):
    pass


def passes(knobs: Knobs) -> float:
    return 0.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        return task.teacher(pixels).mean() * float("nan")

    fit(task.context, "search", task.teacher, task.train, task.finetune, loss, seed=0)
    raise AssertionError("fit lets NaN through")
