"""The Gaussian process for the first 60 trials, then TPE: good points early, and no ask that takes a minute.

For searches of hundreds of trials: docs/samplers.md.
"""

from __future__ import annotations

import optuna

from frontier.driver.samplers import gp, tpe
from frontier.driver.samplers._draw import Draw

BY_GP = 60  # trials
AHEAD = range(BY_GP)


def build(draw: Draw) -> optuna.samplers.BaseSampler:
    """By the trial's number."""
    return gp.build(draw) if draw.trial < BY_GP else tpe.build(draw)
