"""Warps by a random affine map, then by smooth random displacements; PARAMETERS are (alpha, sigma, affine).

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
All three are shares of the shorter side, so that the warp grows with the image. The affine map moves three corners of
the central square, whose half side is a third of the shorter side in whole pixels, by up to `affine` along each axis.
Displacements are alpha times uniform noise in [-1, 1] under a Gaussian of sigma; severity 1 has none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from frontier.corruptions._pixels import Images, Unit, to_uint8, to_unit

FAMILY = "digital"
PARAMETERS = ((0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03))

Numbers = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

_BLOCK = 50  # images warped at once: what they need stays in the processor's cache


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C), each warped in its own way, all its channels together."""
    warped = np.empty_like(images)
    for start in range(0, len(images), _BLOCK):
        block = slice(start, start + _BLOCK)
        warped[block] = _warped(images[block], severity, rng)
    return warped


def _warped(images: Images, severity: int, rng: np.random.Generator) -> Images:
    n, height, width, _ = images.shape
    alpha, sigma, affine = (share * min(height, width) for share in PARAMETERS[severity - 1])
    noise = rng.uniform(-1, 1, size=(n, 6 + 2 * height * width))  # one array, so that an image's part is its own
    rows, columns = affine_places(affine * noise[:, :6].reshape(n, 3, 2), height, width)
    pixels = sampled(to_unit(images), rows, columns, mirrored)
    if alpha > 0:
        rough = noise[:, 6:].reshape(n, 2, height, width)
        shift = alpha * gaussian_filter(rough, sigma, axes=(2, 3), mode="reflect", truncate=3.0)
        row, column = np.ogrid[:height, :width]
        pixels = sampled(pixels, row + shift[:, 0], column + shift[:, 1], reflected)
    return to_uint8(pixels)


def affine_places(moves: Numbers, height: int, width: int) -> tuple[Numbers, Numbers]:
    """Where each pixel comes from, rows and columns (N, H, W), when three corners make these moves (N, 3, [x, y]).

    The corners are the lower right, the upper right and the upper left of the central square.
    """
    half = max(min(height, width) // 3, 1)
    corners = np.array([width // 2, height // 2]) + half * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = corners + moves
    down_x, down_y = (moved[:, 0] - moved[:, 1]).T[:, :, None, None]
    right_x, right_y = (moved[:, 1] - moved[:, 2]).T[:, :, None, None]
    x, y = np.arange(width) - moved[:, 0, 0, None, None], np.arange(height)[:, None] - moved[:, 0, 1, None, None]
    # (x, y) in units of the two moved sides, times these sides where they were: (0, 2 half) and (2 half, 0)
    scale = 2 * half / (down_x * right_y - right_x * down_y)
    rows = corners[0, 1] + scale * (x * right_y - right_x * y)
    columns = corners[0, 0] + scale * (down_x * y - x * down_y)
    return rows, columns


def sampled(pixels: Unit, rows: Numbers, columns: Numbers, inside: Callable[[Whole, int], Whole]) -> Unit:
    """Pixels (N, H, W, C) at these places (N, H, W), linear between the four around; `inside` folds indices back."""
    n, height, width, channels = pixels.shape
    flat = pixels.reshape(-1, channels)
    image = (np.arange(n) * height)[:, None, None]
    above, left = np.floor(rows), np.floor(columns)
    lower, right = (rows - above)[..., None], (columns - left)[..., None]
    first, second = (width * (image + inside(above.astype(np.int64) + step, height)) for step in (0, 1))
    near, far = (inside(left.astype(np.int64) + step, width) for step in (0, 1))
    upper_row = flat.take(first + near, axis=0) * (1 - right) + flat.take(first + far, axis=0) * right
    lower_row = flat.take(second + near, axis=0) * (1 - right) + flat.take(second + far, axis=0) * right
    blended: Unit = upper_row * (1 - lower) + lower_row * lower
    return blended


def mirrored(indices: Whole, side: int) -> Whole:
    """Indices folded back at the edge pixels, which are not repeated: -1 is 1."""
    period = max(2 * (side - 1), 1)
    folded = indices % period
    return np.minimum(folded, period - folded)


def reflected(indices: Whole, side: int) -> Whole:
    """Indices folded back beyond the edge pixels, which are repeated: -1 is 0."""
    folded = indices % (2 * side)
    return np.minimum(folded, 2 * side - 1 - folded)
