"""Replaces every element by a Poisson count of photons; PARAMETERS are the photons of a white element.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
The same at every image size.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Images, to_uint8, to_unit

FAMILY = "noise"
PARAMETERS = (500, 250, 100, 75, 50)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C): Poisson(x * photons) / photons."""
    photons = PARAMETERS[severity - 1]
    return to_uint8(rng.poisson(to_unit(images) * photons) / photons)
