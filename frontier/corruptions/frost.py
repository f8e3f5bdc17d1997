"""Lays ice over the image; PARAMETERS are (weight of the image, weight of the ice).

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
The ice is NOT its photographs of frost, whose origin is unstated, but drawn by a rule (`_ice`), with mean 132 and
standard deviation 52 on 0 to 255. As there, one of five pictures is drawn for each image, and a part of the image's
size cut out at a random place, here across the borders too. Grey images get the ice's luma. Other image sizes: the ice
keeps its size in pixels; images beyond 256 pixels see it repeat.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._ice import COUNT, SIDE, textures
from frontier.corruptions._luma import in_channels
from frontier.corruptions._pixels import Images, Unit, to_uint8, to_unit

FAMILY = "weather"
PARAMETERS = ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))


def cut(height: int, width: int, n: int, rng: np.random.Generator) -> Unit:
    """n random parts (n, height, width, 3) of the textures, in [0, 1]."""
    which, top, left = rng.integers(0, [COUNT, SIDE, SIDE], size=(n, 3)).T[..., None, None]
    rows, columns = np.ogrid[:height, :width]
    return to_unit(textures()[which, (top + rows) % SIDE, (left + columns) % SIDE])


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C): the weighted sum of the image and its part of the ice, clipped."""
    kept, added = PARAMETERS[severity - 1]
    n, height, width, channels = images.shape
    ice = in_channels(cut(height, width, n, rng), channels)
    return to_uint8(kept * to_unit(images) + added * ice)
