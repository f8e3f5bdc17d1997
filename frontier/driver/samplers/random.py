"""Uniform random points: the yardstick. What trial N asks depends on the seed and N alone, also after a resume."""

from __future__ import annotations

import optuna

from frontier.driver.seeds import derive


def build(seed: int, trial: int) -> optuna.samplers.BaseSampler:
    """A random sampler of its own for each trial number."""
    return optuna.samplers.RandomSampler(seed=derive("random", seed, trial))
