"""Motion blur without ImageMagick: the weighted mean of whole-pixel shifts along a line, to one side of each pixel.

Source: make_cifar_c.py of hendrycks/robustness blurs by ImageMagick; its kernel in numpy follows imagecorruptions
(Michaelis et al. 2019).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from frontier.corruptions._pixels import Unit

_BLOCK = 50  # images shifted at once: their shifts stay in the processor's cache


def weights(radius: int, sigma: float) -> npt.NDArray[np.float64]:
    """(2 * radius + 1,): half a Gaussian from its peak on, sum 1."""
    half: npt.NDArray[np.float64] = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    half /= half.sum()
    return half


def blurred(pixels: Unit, radius: int, sigma: float, degrees: npt.NDArray[np.float64]) -> Unit:
    """Pixels (N, H, W, C), each image along its own angle of degrees (N,).

    Step i of `weights` takes the pixel that lies i along the line: at 0 degrees to the right, at 90 below. Beyond the
    border the pixels of the edge go on.
    """
    mean = np.empty_like(pixels)
    for start in range(0, len(pixels), _BLOCK):
        block = slice(start, start + _BLOCK)
        mean[block] = _shifted(pixels[block], weights(radius, sigma), degrees[block])
    return mean


def _shifted(pixels: Unit, weights: npt.NDArray[np.float64], degrees: npt.NDArray[np.float64]) -> Unit:
    n, height, width, channels = pixels.shape
    reach = len(weights) - 1
    padded = np.pad(pixels, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    rows = padded.reshape(n, height + 2 * reach, (width + 2 * reach) * channels)
    windows = np.lib.stride_tricks.sliding_window_view(rows, (height, width * channels), axis=(1, 2))
    down, right = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    mean = np.zeros((n, height, width * channels))
    for step, weight in enumerate(weights):
        row, column = reach + _nearest(step * down), reach + _nearest(step * right)
        mean += weight * windows[np.arange(n), row, column * channels]
    return mean.reshape(pixels.shape)


def _nearest(distances: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Whole pixels; halves go towards minus infinity, as in ImageMagick."""
    return np.ceil(distances - 0.5).astype(np.int64)
