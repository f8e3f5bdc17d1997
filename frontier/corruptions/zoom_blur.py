"""Averages the image and enlargements of it by 1.00, 1.01, ...; PARAMETERS are where the factors end.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
The same factors at every image size, so that the blur grows with the image. Enlarged sides are whole pixels: at a side
of 8 all those of severity 1 are 8 again, and it leaves the image as it is.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import scipy.sparse

from frontier.corruptions._pixels import Images, to_uint8, to_unit
from frontier.corruptions._zoom import applied, matrix

FAMILY = "blur"
PARAMETERS = (1.06, 1.11, 1.16, 1.21, 1.26)


def factors(severity: int) -> npt.NDArray[np.float64]:
    """7, 12, 16, 21 or 26 of them: rounding lets numpy's arange reach the end itself for 1.06 and 1.11 only."""
    return np.arange(1, PARAMETERS[severity - 1], 0.01)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C): the mean of each image and its enlargements."""
    return to_uint8(applied(_mean(images.shape[1], images.shape[2], severity), to_unit(images)))


@functools.lru_cache(maxsize=10)
def _mean(height: int, width: int, severity: int) -> scipy.sparse.csr_array:
    """(H * W, H * W): the weights of the old pixels in each new one."""
    enlarged = [matrix(height, width, factor) for factor in map(float, factors(severity))]
    image = scipy.sparse.eye_array(height * width, format="csr")
    return sum(enlarged, start=image) / (len(enlarged) + 1)
