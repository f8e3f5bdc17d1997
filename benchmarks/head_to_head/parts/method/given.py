"""Given: a mask from a file, frozen in the teacher, then the finetuning that every method has."""

from __future__ import annotations

from pathlib import Path

from frontier.masks.file import load
from frontier.training.finetune import Finetuning, finetune
from frontier.training.freeze import freeze
from frontier.training.task import Candidate, Linearized, Task, gated

FIDELITY = "baseline"
PAPER = "none: shows what the places of ReLUs are worth by themselves"
DEVIATIONS: tuple[str, ...] = ()


class Knobs(Finetuning):
    """`mask`: a mask file."""

    mask: str


def passes(knobs: Knobs) -> float:
    """Somebody else has paid for the mask."""
    return 0.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Freeze the mask, finetune."""
    student = gated(task, task.teacher)
    freeze(task, student, load(Path(knobs.mask)), knobs)
    finetune(task, student, knobs)
    return Linearized((Candidate(student, task.relu_budget),))
