"""NSGA-II (Deb et al., IEEE TEC 2002), as Optuna builds it: a population evolves by crossover and mutation.

It needs several generations: on a synthetic trade-off of four objectives it stayed at the level of random points, or
below, at 120 trials. Its generations are in the sampler's memory alone: one rebuilt from records begins with the first.
"""

from __future__ import annotations

import optuna

from frontier.driver.samplers._draw import Draw
from frontier.driver.seeds import derive

POPULATION = 20  # Optuna's 50 leaves no time to evolve in a hundred trials


def build(draw: Draw) -> optuna.samplers.BaseSampler:
    """NSGA-II, seeded anew for each trial number."""
    return optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=derive("nsga2", draw.seed, draw.trial))
