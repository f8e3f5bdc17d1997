"""Shrinks with a box filter and enlarges again; PARAMETERS are the shares of the side length that are left.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
Sides shrink to int(side * share), at least 1: 30, 28, 27, 24, 20 at 32 pixels. Other sizes follow the same rule.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from frontier.corruptions._pillow import each
from frontier.corruptions._pixels import Images

PARAMETERS = (0.95, 0.9, 0.85, 0.75, 0.65)


def shrunk(side: int, severity: int) -> int:
    """Pixels that are left of a side."""
    return max(int(side * PARAMETERS[severity - 1]), 1)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C), resized down and up."""
    height, width = images.shape[1:3]
    small = (shrunk(width, severity), shrunk(height, severity))
    box = Image.Resampling.BOX
    return each(images, lambda image: image.resize(small, box).resize((width, height), box))
