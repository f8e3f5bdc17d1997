"""Gaussian process with log expected hypervolume improvement (Ament et al., NeurIPS 2023), as Optuna builds it.

The default: docs/samplers.md. It is slow: an ask takes seconds from 30 trials on and half a minute at 120, because the
region that four objectives leave undominated is cut into boxes, for each of 128 draws of what is still running. It
models the parameters that all trials share (budget, method); knobs that only one method has are drawn at random.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, final

import numpy as np
import optuna
from numpy.typing import NDArray

from frontier.driver.samplers._draw import Draw
from frontier.driver.seeds import derive

if TYPE_CHECKING:
    from optuna._gp.acqf import BaseAcquisitionFunc

AHEAD = range(sys.maxsize)  # the trials whose question takes seconds and is asked ahead
UP_TO = 120  # trials of a search, as measured; with more its user is told how long a question takes
AT_ONCE = 16  # candidates


def build(draw: Draw) -> optuna.samplers.BaseSampler:
    """GP, seeded anew for each trial number; the first ten complete trials are random."""
    return _Frugal(seed=derive("gp", draw.seed, draw.trial), warn_independent_sampling=False)


@final
class _Frugal(optuna.samplers.GPSampler):
    """Optuna's, which weighs its 2,048 candidates a few at a time and not in one array of gigabytes: the same points,
    in less memory and time. Overrides what Optuna leaves to be overridden, without a promise that it stays."""

    def _optimize_acqf(self, acqf: BaseAcquisitionFunc, best_params: NDArray[Any] | None) -> NDArray[Any]:
        whole = acqf.eval_acqf_no_grad

        def by_parts(x: NDArray[Any]) -> NDArray[Any]:
            if x.ndim == 1:
                return whole(x)
            return np.concatenate([whole(part) for part in np.split(x, range(AT_ONCE, len(x), AT_ONCE))])

        acqf.eval_acqf_no_grad = by_parts  # type: ignore[method-assign]  # the object's own, of this one question
        return super()._optimize_acqf(acqf, best_params)
