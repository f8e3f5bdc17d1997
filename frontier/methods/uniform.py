"""Uniform: every layer keeps the same share of its ReLUs, those that are dearest to linearize.

Linearizing a position changes its output by max(-z, 0), z being its input: E[max(-z, 0)] over the training images is
the price. No gradient, no training before the finetuning.
"""

from __future__ import annotations

from pydantic import Field

from frontier.training.allocation import whole
from frontier.training.finetune import Finetuning, finetune
from frontier.training.freeze import freeze
from frontier.training.observe import first, gate_inputs, mean_over
from frontier.training.select import largest_by_site
from frontier.training.task import Candidate, Linearized, Task, gated

FIDELITY = "baseline"
PAPER = "none: what a paper's method should beat at the same compute"
DEVIATIONS: tuple[str, ...] = ()


class Knobs(Finetuning):
    """And the training images whose prices are averaged (None: all)."""

    score_images: int | None = Field(default=None, gt=0)


def passes(knobs: Knobs) -> float:
    """One forward over the images, at most all of them."""
    return 1.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Price every position on the teacher, keep the dearest of each layer, freeze, finetune."""
    student = gated(task, task.teacher)
    inputs = gate_inputs(task, student, first(task.train, knobs.score_images), "score")
    found = mean_over(inputs, lambda z: (-z).clamp(min=0))
    prices = {path: price.cpu().numpy() for path, price in found.items() if path not in task.closed}
    sizes = [price.size for price in prices.values()]
    counts = dict(zip(prices, whole(sizes, sizes, task.relu_budget), strict=True))
    freeze(task, student, largest_by_site(prices, counts), knobs)
    finetune(task, student, knobs)
    return Linearized((Candidate(student, task.relu_budget),))
