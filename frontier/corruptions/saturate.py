"""Scales and shifts the S of HSV, keeping hue and value; PARAMETERS are (factor, what is added), the sum clipped.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
A grey pixel's hue counts as 0, red, as in scikit-image: adding saturation reddens it. Images of one channel have no
saturation and stay as they are. The same at every image size.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Images, to_uint8, to_unit

FAMILY = "held_out"
COLOUR_ONLY = True
PARAMETERS = ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2))


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C): a channel lies below the value by value * saturation * a share that the hue decides."""
    if images.shape[-1] == 1:
        return images.copy()
    factor, added = PARAMETERS[severity - 1]
    pixels = to_unit(images)
    value = pixels.max(axis=-1, keepdims=True)
    chroma = value - pixels.min(axis=-1, keepdims=True)
    red = np.broadcast_to(np.array([0.0, 1.0, 1.0]), pixels.shape).copy()
    share = np.divide(value - pixels, chroma, out=red, where=chroma > 0)
    saturation = np.divide(chroma, value, out=np.zeros_like(value), where=value > 0)
    return to_uint8(value * (1 - np.clip(saturation * factor + added, 0.0, 1.0) * share))
