"""Adds independent normal noise to every element; PARAMETERS are its standard deviations in [0, 1] units.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
The same at every image size.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Images, to_uint8, to_unit

FAMILY = "noise"
PARAMETERS = (0.04, 0.06, 0.08, 0.09, 0.10)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C) with noise of standard deviation PARAMETERS[severity - 1]."""
    noise = rng.normal(scale=PARAMETERS[severity - 1], size=images.shape)
    return to_uint8(to_unit(images) + noise)
