"""NSGA-III (Deb and Jain, IEEE TEC 2014), as Optuna builds it: NSGA-II with reference directions for many objectives.

What holds for `nsga2` at so few trials holds for it.
"""

from __future__ import annotations

import optuna

from frontier.driver.samplers._draw import Draw
from frontier.driver.samplers.nsga2 import POPULATION
from frontier.driver.seeds import derive


def build(draw: Draw) -> optuna.samplers.BaseSampler:
    """NSGA-III, seeded anew for each trial number."""
    return optuna.samplers.NSGAIIISampler(population_size=POPULATION, seed=derive("nsga3", draw.seed, draw.trial))
