"""Uniform random points: the yardstick. What trial N asks is a function of the space, the seed and N alone.

Every parameter of the space has a coordinate of its own, of which a trial reads those of its method.
"""

from __future__ import annotations

import optuna

from frontier.driver.samplers._draw import Draw, Point
from frontier.driver.seeds import unit


def build(draw: Draw) -> optuna.samplers.BaseSampler:
    """A random point of its own for each trial number."""
    return Point(lambda name, before: unit("random", draw.seed, draw.trial, name, before))
