"""Scrambled Sobol points (Owen 1998): trial N is point N of one sequence, whatever happened before.

Optuna's own QMC sampler keeps its index in the database and covers only what all trials share; this one needs no
memory. Every parameter of the space has a coordinate of its own, the first ones being the method and the budget; a
trial reads those of its method, so that what it asks is a function of the space, the seed and its number.
"""

from __future__ import annotations

import numpy as np
import optuna
from scipy.stats.qmc import Sobol

from frontier.driver.samplers._draw import Draw, Point
from frontier.driver.seeds import derive, unit


def build(draw: Draw) -> optuna.samplers.BaseSampler:
    """The sampler that hands out point `draw.trial` of the sequence `draw.seed`."""
    sequence = Sobol(len(draw.names), scramble=True, rng=np.random.default_rng(derive("qmc", draw.seed)))
    if draw.trial:
        sequence.fast_forward(draw.trial)
    point = dict(zip(draw.names, map(float, sequence.random(1)[0]), strict=True))

    def share(name: str, before: int) -> float:
        """A point that was asked before is drawn again at random."""
        return unit("qmc", draw.seed, draw.trial, name, before) if before else point[name]

    return Point(share)
