"""Convolves with a small disk, itself smoothed by a 3x3 Gaussian; PARAMETERS are (radius, sigma) in pixels.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
Borders are mirrored without repeating the edge pixel (OpenCV's default). Other image sizes get the same kernel, in
pixels: on smaller images the blur is relatively stronger.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from frontier.corruptions._pixels import Images, Unit, to_uint8, to_unit

FAMILY = "blur"
PARAMETERS = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))


def kernel(radius: float, sigma: float) -> npt.NDArray[np.float64]:
    """The smoothed disk, square with odd sides, sum 1. What the original's 17x17 kernel has beyond it is zero."""
    reach = int(radius) + 1
    offsets = np.arange(-reach, reach + 1)
    disk = (offsets[:, None] ** 2 + offsets**2 <= radius**2).astype(np.float64)
    gaussian = np.exp(-(np.array([-1.0, 0.0, 1.0]) ** 2) / (2 * sigma**2))
    gaussian /= gaussian.sum()
    return convolved((disk / disk.sum())[None, :, :, None], np.outer(gaussian, gaussian), "constant")[0, :, :, 0]


def convolved(pixels: Unit, weights: npt.NDArray[np.float64], border: Literal["reflect", "constant"]) -> Unit:
    """Pixels (N, H, W, C) under a symmetric kernel with odd sides; beyond the border mirrored, or zero."""
    height, width = pixels.shape[1:3]
    up, left = (side // 2 for side in weights.shape)
    padded = np.pad(pixels, ((0, 0), (up, up), (left, left), (0, 0)), mode=border)
    blurred = np.zeros_like(pixels)
    for (row, column), weight in np.ndenumerate(weights):
        blurred += weight * padded[:, row : row + height, column : column + width]
    return blurred


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C), blurred within each channel."""
    radius, sigma = PARAMETERS[severity - 1]
    return to_uint8(convolved(to_unit(images), kernel(radius, sigma), "reflect"))
