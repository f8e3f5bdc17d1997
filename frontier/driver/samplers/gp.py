"""Gaussian process with log expected hypervolume improvement (Ament et al., NeurIPS 2023), as Optuna builds it.

The best of all that were tried up to about 60 trials, and slow: an ask takes seconds at 60 trials and tens of
seconds at 120, because the dominated region of four objectives is cut into boxes. It models the parameters that
all trials share (budget, method); knobs that only one method has are drawn at random.
"""

from __future__ import annotations

import sys

import optuna

from frontier.driver.samplers._draw import Draw
from frontier.driver.seeds import derive

AHEAD = range(sys.maxsize)  # the trials whose question takes seconds and is asked ahead


def build(draw: Draw) -> optuna.samplers.BaseSampler:
    """GP, seeded anew for each trial number; the first ten complete trials are random."""
    return optuna.samplers.GPSampler(seed=derive("gp", draw.seed, draw.trial), warn_independent_sampling=False)
