"""Drags every pixel along a line at a random angle; PARAMETERS are (radius, sigma) in pixels of a 32-pixel side.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019). The blur there is ImageMagick's,
here the same kernel without it: what ImageMagick rounds to 8 bits is truncated here, as in every other corruption. The
angle is uniform between -45 and 45 degrees.
At other image sizes radius and sigma grow with the shorter side; the radius is a whole number, at least 1.
"""

from __future__ import annotations

import numpy as np

from frontier.corruptions._motion import blurred
from frontier.corruptions._pixels import Images, scaled, to_uint8, to_unit

FAMILY = "blur"
PARAMETERS = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C), each along its own angle."""
    radius, sigma = PARAMETERS[severity - 1]
    degrees = rng.uniform(-45, 45, size=len(images))
    whole = max(round(scaled(radius, images)), 1)
    return to_uint8(blurred(to_unit(images), whole, scaled(sigma, images), degrees))
