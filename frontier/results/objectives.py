"""The objectives: name, unit, direction, split. The search sees validation; only reports show test."""

from __future__ import annotations

import math
from typing import Literal

from frontier.frozen import Frozen


class Objective(Frozen):
    """One axis of the trade-off. `split` is None for what is counted or priced, not estimated from images."""

    name: str
    unit: str
    direction: Literal["maximize", "minimize"]
    split: Literal["validation", "test"] | None
    least: float = 1.0  # of what is minimized: the smallest amount, in the unit, that its logarithm tells apart

    @property
    def minimized(self) -> bool:
        return self.direction == "minimize"

    def told(self, value: float) -> float:
        """What the sampler is told: an accuracy as it is, log10(max(value, least)) of what is minimized."""
        return math.log10(max(value, self.least)) if self.minimized else value


CLEAN = Objective(name="clean", unit="fraction", direction="maximize", split="validation")
CORRUPTED = Objective(name="corrupted", unit="fraction", direction="maximize", split="validation")
ADVERSARIAL = Objective(name="adversarial", unit="fraction", direction="maximize", split="validation")
RELU_COUNT = Objective(name="relu_count", unit="ReLUs", direction="minimize", split=None)
OBJECTIVES = (CLEAN, CORRUPTED, ADVERSARIAL, RELU_COUNT)  # of a space that names none
ACCURACIES = tuple(objective.name for objective in OBJECTIVES if objective.split)  # the fields of a record's Scores
