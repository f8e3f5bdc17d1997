"""NSGA-II (Deb et al., 2002): Optuna's genetic sampler, seeded anew for each trial number."""

from __future__ import annotations

import optuna

from frontier.driver.seeds import derive


def build(seed: int, trial: int) -> optuna.samplers.BaseSampler:
    """A small population, so that evolution begins within a search of a few dozen trials."""
    return optuna.samplers.NSGAIISampler(population_size=8, seed=derive("nsga2", seed, trial))
