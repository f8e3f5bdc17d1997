"""The objectives: name, unit, direction, split. The search sees validation; only reports show test."""

from __future__ import annotations

import math
from typing import Literal

from frontier.frozen import Frozen
from frontier.results.record import Point


class Objective(Frozen):
    """One axis of the trade-off. `split` is None for what is counted, not estimated from images."""

    name: str
    unit: str
    direction: Literal["maximize", "minimize"]
    split: Literal["validation", "test"] | None


CLEAN = Objective(name="clean", unit="fraction", direction="maximize", split="validation")
CORRUPTED = Objective(name="corrupted", unit="fraction", direction="maximize", split="validation")
ADVERSARIAL = Objective(name="adversarial", unit="fraction", direction="maximize", split="validation")
RELU_COUNT = Objective(name="relu_count", unit="ReLUs", direction="minimize", split=None)
OBJECTIVES = (CLEAN, CORRUPTED, ADVERSARIAL, RELU_COUNT)
ACCURACIES = tuple(objective.name for objective in OBJECTIVES if objective.split)  # the fields of a record's Scores


def values(point: Point) -> tuple[float, ...]:
    """The point's value on each of OBJECTIVES, in that order and in the objective's unit."""
    scores = point.validation
    return (scores.clean.value, scores.corrupted.value, scores.adversarial.value, float(point.relu_count))


def log_count(relu_count: float) -> float:
    """log10(max(count, 1)): what the sampler is told and what hypervolume uses in place of the raw count."""
    return math.log10(max(relu_count, 1.0))
