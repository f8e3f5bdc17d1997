"""Adds a random cloud and rescales to the image's own maximum; PARAMETERS are (amplitude, decay of the roughness).

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
The cloud is a plasma fractal (diamond-square) on a torus whose side is the next power of two that holds the image, 32
at 32 pixels. Images of other sizes cut their part out of it: its longest swell grows with that side.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Images, Unit, to_uint8, to_unit

FAMILY = "weather"
PARAMETERS = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))
_WIBBLE = 100.0  # noise of the first level is _WIBBLE * U(-_WIBBLE, _WIBBLE); _WIBBLE shrinks from level to level


def side(height: int, width: int) -> int:
    """The side of the map: the least power of two that is no shorter than the image, and at least 2."""
    return max(2, 1 << (max(height, width) - 1).bit_length())


def plasma(noise: Unit, decay: float) -> Unit:
    """Maps (N, M, M), each from 0 to 1, from noise (N, M, M) in [-1, 1]; M a power of two and at least 2.

    Every point but the corner is set once, to the mean of four neighbours at the level's distance plus wibble squared
    times its noise; rows and columns go on at the other end.
    """
    maps = np.zeros_like(noise)
    step, wibble = noise.shape[1], _WIBBLE
    while step > 1:
        known, half, scale = slice(0, None, step), slice(step // 2, None, step), wibble**2
        corners = maps[:, known, known]
        two_rows = corners + np.roll(corners, -1, axis=1)
        maps[:, half, half] = (two_rows + np.roll(two_rows, -1, axis=2)) / 4 + scale * noise[:, half, half]
        centres = maps[:, half, half]
        between = corners + np.roll(corners, -1, axis=2) + centres + np.roll(centres, 1, axis=1)
        maps[:, known, half] = between / 4 + scale * noise[:, known, half]
        between = two_rows + centres + np.roll(centres, 1, axis=2)
        maps[:, half, known] = between / 4 + scale * noise[:, half, known]
        step, wibble = step // 2, wibble / decay
    lowest = maps.min(axis=(1, 2), keepdims=True)
    height = maps.max(axis=(1, 2), keepdims=True) - lowest
    shares: Unit = np.divide(maps - lowest, height, out=np.zeros_like(maps), where=height > 0)
    return shares


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C): (x + amplitude * cloud) * max / (max + amplitude), max being the image's largest element."""
    amplitude, decay = PARAMETERS[severity - 1]
    n, height, width, _ = images.shape
    across = side(height, width)
    clouds = plasma(rng.uniform(-1.0, 1.0, (n, across, across)), decay)[:, :height, :width, None]
    pixels = to_unit(images)
    brightest = pixels.max(axis=(1, 2, 3), keepdims=True)
    return to_uint8((pixels + amplitude * clouds) * (brightest / (brightest + amplitude)))
