"""Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011; multi-objective: Ozaki et al., GECCO 2020).

Optuna's defaults are kept: univariate beat multivariate with four objectives, and constant liar keeps concurrent
trials apart. It asks in milliseconds; docs/samplers.md has what it finds.
"""

from __future__ import annotations

import optuna

from frontier.driver.samplers._draw import Draw
from frontier.driver.seeds import derive


def build(draw: Draw) -> optuna.samplers.BaseSampler:
    """TPE, seeded anew for each trial number so that a resumed study does not repeat its first draws."""
    return optuna.samplers.TPESampler(seed=derive("tpe", draw.seed, draw.trial))
