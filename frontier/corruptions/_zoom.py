"""Enlarging about the centre is one sparse matrix on the pixels: a centred crop, resampled linearly, trimmed.

Source: make_cifar_c.py of hendrycks/robustness, which resamples by scipy.ndimage.zoom of order 1: the first and the
last pixel of the crop stay the first and the last.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import scipy.sparse

from frontier.corruptions._pixels import Unit


def clipped(pixels: Unit, factor: float) -> Unit:
    """Pixels (N, H, W, C) enlarged by factor >= 1, cut to their old size; 1 leaves them as they are."""
    return applied(matrix(pixels.shape[1], pixels.shape[2], factor), pixels)


def applied(weights: scipy.sparse.csr_array, pixels: Unit) -> Unit:
    """Weights (H * W, H * W) on every channel of every image of pixels (N, H, W, C)."""
    n, height, width, channels = pixels.shape
    flat = pixels.transpose(1, 2, 0, 3).reshape(height * width, n * channels)
    new: Unit = weights @ flat
    return new.reshape(height, width, n, channels).transpose(2, 0, 1, 3)


@functools.lru_cache(maxsize=32)
def matrix(height: int, width: int, factor: float) -> scipy.sparse.csr_array:
    """(H * W, H * W): the weights of the old pixels in each new one, row-major; every row sums to 1."""
    return scipy.sparse.kron(_line(height, factor), _line(width, factor), format="csr")


def _line(side: int, factor: float) -> scipy.sparse.csr_array:
    """(side, side): the weights along one side."""
    crop = math.ceil(side / factor)
    enlarged = max(round(crop * factor), side)
    trim = (enlarged - side) // 2
    new = np.arange(side)
    places = (new + trim) * ((crop - 1) / max(enlarged - 1, 1))
    before = np.clip(np.floor(places).astype(int), 0, max(crop - 2, 0))
    share = places - before
    after = np.minimum(before + 1, crop - 1)
    rows, columns = np.concatenate([new, new]), np.concatenate([before, after]) + (side - crop) // 2
    return scipy.sparse.csr_array((np.concatenate([1 - share, share]), (rows, columns)), shape=(side, side))
