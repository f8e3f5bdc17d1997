"""NSGA-II (Deb et al., 2002): Optuna's genetic sampler, seeded anew for each trial number."""

from __future__ import annotations

import optuna

from frontier.driver.samplers._draw import Draw
from frontier.driver.seeds import derive


def build(draw: Draw) -> optuna.samplers.BaseSampler:
    """A small population, so that evolution begins within a search of a few dozen trials."""
    return optuna.samplers.NSGAIISampler(population_size=8, seed=derive("evolving", draw.seed, draw.trial))
