"""Sets a fraction of the elements to black or white, half each (salt and pepper); PARAMETERS are the fractions.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
Channels are hit independently. The same at every image size.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Images

FAMILY = "noise"
PARAMETERS = (0.01, 0.02, 0.03, 0.05, 0.07)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C) in which the fraction PARAMETERS[severity - 1] of elements is 0 or 255."""
    fraction = PARAMETERS[severity - 1]
    draw = rng.random(images.shape)
    return np.where(draw < fraction, np.where(draw < fraction / 2, 0, 255), images).astype(np.uint8)
