"""Adds to the V of HSV, the largest channel, keeping hue and saturation; PARAMETERS are what is added.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
On grey images this adds to the grey value. The same at every image size.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Images, to_uint8, to_unit

FAMILY = "weather"
PARAMETERS = (0.05, 0.1, 0.15, 0.2, 0.3)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C): at fixed hue and saturation all channels scale with V; black becomes grey."""
    pixels = to_unit(images)
    value = pixels.max(axis=-1, keepdims=True)
    brighter = np.minimum(value + PARAMETERS[severity - 1], 1.0)
    per_value = np.divide(pixels, value, out=np.ones_like(pixels), where=value > 0)
    return to_uint8(per_value * brighter)
