"""Convolves with a small disk, itself smoothed by a 3x3 Gaussian; PARAMETERS are (radius, sigma) in pixels.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
Borders are mirrored without repeating the edge pixel (OpenCV's default). Other image sizes get the same kernel, in
pixels: on smaller images the blur is relatively stronger.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import convolve

from frontier.corruptions._pixels import Images, to_uint8, to_unit

PARAMETERS = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))


def kernel(radius: float, sigma: float) -> npt.NDArray[np.float64]:
    """The smoothed disk, square with odd sides, sum 1. What the original's 17x17 kernel has beyond it is zero."""
    reach = int(radius) + 1
    offsets = np.arange(-reach, reach + 1)
    disk = (offsets[:, None] ** 2 + offsets**2 <= radius**2).astype(np.float64)
    gaussian = np.exp(-(np.array([-1.0, 0.0, 1.0]) ** 2) / (2 * sigma**2))
    gaussian /= gaussian.sum()
    smoothed: npt.NDArray[np.float64] = convolve(disk / disk.sum(), np.outer(gaussian, gaussian), mode="constant")
    return smoothed


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C), blurred within each channel."""
    radius, sigma = PARAMETERS[severity - 1]
    return to_uint8(convolve(to_unit(images), kernel(radius, sigma)[None, :, :, None], mode="mirror"))
