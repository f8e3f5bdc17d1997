"""Shrinks with a box filter and enlarges again; PARAMETERS are the shares of the side length that are left.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
Sides shrink to int(side * share), at least 1: 30, 28, 27, 24, 20 at 32 pixels. Other sizes follow the same rule.
The filter is Pillow's BOX: it averages whole pixels, along the rows, then along the columns, rounding after each. On
square images the result is Pillow's to the bit; where it takes the columns of a tall image first, within one level.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from frontier.corruptions._pixels import Images

FAMILY = "digital"
PARAMETERS = (0.95, 0.9, 0.85, 0.75, 0.65)


def shrunk(side: int, severity: int) -> int:
    """Pixels that are left of a side."""
    return max(int(side * PARAMETERS[severity - 1]), 1)


def box(before: int, after: int) -> npt.NDArray[np.float64]:
    """(after, before): row i averages the pixels whose centres lie in the i-th of `after` equal parts of the side.

    Enlarging, a part is narrower than a pixel and takes the one whose centre is nearest.
    """
    scale = before / after
    width = max(scale, 1.0)
    pixels = np.arange(before)
    centres = (np.arange(after)[:, None] + 0.5) * scale
    offsets = (pixels - centres + 0.5) * (1 / width)
    # where a part ends on a pixel's centre, rounding decides: both of Pillow's conditions, in its order of operations
    reached = (pixels >= np.floor(centres - width / 2 + 0.5)) & (pixels < np.floor(centres + width / 2 + 0.5))
    inside = reached & (offsets > -0.5) & (offsets <= 0.5)
    weights: npt.NDArray[np.float64] = inside / inside.sum(axis=1, keepdims=True)
    return weights


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C), resized down and up."""
    height, width = images.shape[1:3]
    low, narrow = shrunk(height, severity), shrunk(width, severity)
    small = _resized(images, box(height, low), box(width, narrow))
    return _resized(small, box(low, height), box(narrow, width))


def _resized(images: Images, rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]) -> Images:
    """Images (N, H, W, C) with each side multiplied by its weights, the width first."""
    n, height, _, channels = images.shape
    wide = _rounded(columns @ images)
    flat = wide.reshape(n, height, len(columns) * channels)
    return _rounded(rows @ flat).reshape(n, len(rows), len(columns), channels)


def _rounded(pixels: npt.NDArray[np.float64]) -> Images:
    return np.floor(pixels + 0.5).astype(np.uint8)  # halves go up
