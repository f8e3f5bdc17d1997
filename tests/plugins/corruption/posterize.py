"""Posterize: every channel rounded to a few grey levels, black and white among them.

Source: ours, after `PIL.ImageOps.posterize`, which rounds down and so darkens white.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Images

PARAMETERS = (16, 8, 6, 4, 3)  # grey levels by severity


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C) -> the same shape; nothing is drawn."""
    steps = PARAMETERS[severity - 1] - 1
    return np.rint(np.rint(images / 255 * steps) * (255 / steps)).astype(np.uint8)
