"""Measure: an accuracy with the number of images it was measured on and its interval."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field

from frontier.frozen import Frozen

Z95 = 1.959963984540054


class Measure(Frozen):
    """An accuracy in [0, 1] over `n` images with its 95 % Wilson interval [low, high]."""

    value: float = Field(ge=0, le=1)
    n: int = Field(gt=0)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)

    @classmethod
    def of(cls, value: float, n: int) -> Self:
        """From a mean over `n` distinct images (Wilson 1927). A mean over several corruptions or attack
        strengths of the same images is given the interval of one of them: never too narrow."""
        centre = (value + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
        half = Z95 / (1 + Z95**2 / n) * math.sqrt(value * (1 - value) / n + Z95**2 / (4 * n * n))
        return cls(value=value, n=n, low=max(0.0, min(value, centre - half)), high=min(1.0, max(value, centre + half)))
