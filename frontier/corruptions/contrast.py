"""Pulls every channel towards its mean over the image; PARAMETERS are the contrast that is left.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
The same at every image size.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Images, to_uint8, to_unit

FAMILY = "digital"
PARAMETERS = (0.75, 0.5, 0.4, 0.3, 0.15)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C): (x - mean) * PARAMETERS[severity - 1] + mean."""
    pixels = to_unit(images)
    mean = pixels.mean(axis=(1, 2), keepdims=True)
    return to_uint8((pixels - mean) * PARAMETERS[severity - 1] + mean)
