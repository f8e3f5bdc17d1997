"""Convolves with a Gaussian; PARAMETERS are its standard deviations in pixels.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019), one of its four held-out ones.
Beyond the border the pixels of the edge go on, and the kernel ends at 4 standard deviations (scikit-image's defaults).
Other image sizes get the same kernel, in pixels: on smaller images the blur is relatively stronger.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from frontier.corruptions._pixels import Images, to_uint8, to_unit

FAMILY = "held_out"
PARAMETERS = (0.4, 0.6, 0.7, 0.8, 1.0)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C), blurred within each channel."""
    return to_uint8(
        gaussian_filter(to_unit(images), PARAMETERS[severity - 1], axes=(1, 2), mode="nearest", truncate=4.0)
    )
