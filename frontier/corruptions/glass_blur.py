"""Blurs, replaces pixels by a near one, and blurs again; PARAMETERS are (sigma, reach, times), in pixels.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019), as it runs: what is written there
as a swap of two pixels copies the near one and leaves that as it was; an offset of a reach of 1 is -1 or 0, never +1;
the first two rows and columns stay; the first blur is truncated to 8 bits before the pixels move.
The Gaussians are scikit-image's: beyond the border the pixels of the edge go on, and the end is at 4 sigma. Other image
sizes get the same lengths, in pixels: on smaller images the blur is relatively stronger.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from frontier.corruptions._pixels import Images, to_uint8, to_unit

FAMILY = "blur"
PARAMETERS = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C); all channels of a pixel move together."""
    sigma, reach, times = PARAMETERS[severity - 1]
    n, height, width, _ = images.shape
    offsets = rng.integers(-reach, reach, size=(n, times, 2, height, width), dtype=np.int8)
    moved = _blurred(images, sigma)
    for time in range(times):
        moved = shuffled(moved, offsets[:, time, 0], offsets[:, time, 1])
    return _blurred(moved, sigma)


def shuffled(images: Images, down: npt.NDArray[np.int8], right: npt.NDArray[np.int8]) -> Images:
    """Images (N, H, W, C) whose pixels take the value at their offsets (down, right), each (N, H, W), -1 or 0.

    The original goes from the last pixel to the first, so what a pixel takes has not changed by then: all move at once.
    """
    n, height, width, _ = images.shape
    image, row, column = np.ogrid[:n, 2:height, 2:width]
    moved = images.copy()
    moved[:, 2:, 2:] = images[image, row + down[:, 2:, 2:], column + right[:, 2:, 2:]]
    return moved


def _blurred(images: Images, sigma: float) -> Images:
    return to_uint8(gaussian_filter(to_unit(images), sigma, axes=(1, 2), mode="nearest", truncate=4.0))
