"""Adds normal noise in proportion to every element; PARAMETERS are its standard deviations for a white element.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019), one of its four held-out ones.
The same at every image size.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Images, to_uint8, to_unit

FAMILY = "held_out"
PARAMETERS = (0.06, 0.1, 0.12, 0.16, 0.2)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C): x + x * noise of standard deviation PARAMETERS[severity - 1]; black stays black."""
    pixels = to_unit(images)
    noise = rng.normal(scale=PARAMETERS[severity - 1], size=images.shape)
    return to_uint8(pixels + pixels * noise)
