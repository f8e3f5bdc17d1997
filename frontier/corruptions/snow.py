"""Whitens the image and lets streaks fall over it; PARAMETERS are (mean, spread, zoom, threshold, radius, sigma, kept).

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019). The motion blur there is
ImageMagick's, here the same kernel without it, whose streaks are not rounded to 8 bits before they are added.
Flakes are where normal noise, enlarged by `zoom` about the centre, reaches the threshold; radius and sigma are those of
their motion blur at 32 pixels, at an angle uniform between -135 and -45 degrees. `kept` is the weight of the image
beside its whitened self. Other image sizes: radius and sigma scale with the shorter side / 32, the radius to a whole
number, at least 1; flakes stay in pixels.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from frontier.corruptions._luma import luma
from frontier.corruptions._motion import blurred
from frontier.corruptions._pixels import Images, Unit, scaled, to_uint8, to_unit
from frontier.corruptions._zoom import clipped

FAMILY = "weather"
PARAMETERS = (
    (0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95),
    (0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9),
    (0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9),
    (0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85),
    (0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8),
)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C), each with its own flakes, which fall twice: as drawn, and turned by 180 degrees."""
    mean, spread, zoom, threshold, radius, sigma, kept = PARAMETERS[severity - 1]
    n, height, width, _ = images.shape
    noise = rng.normal(size=(n, height * width + 1))  # one array, so that an image's part is its own
    degrees = -135 + 90 * ndtr(noise[:, -1])  # uniform
    layers = flakes(mean + spread * noise[:, :-1].reshape(n, height, width, 1), zoom, threshold)
    streaks = blurred(layers, max(round(scaled(radius, images)), 1), scaled(sigma, images), degrees)
    return to_uint8(snowed(to_unit(images), streaks, kept))


def flakes(noise: Unit, zoom: float, threshold: float) -> Unit:
    """Noise (N, H, W, 1) enlarged, 0 below the threshold, clipped to [0, 1] and truncated to whole 255ths."""
    enlarged = clipped(noise, zoom)
    return to_unit(to_uint8(np.where(enlarged < threshold, 0.0, enlarged)))


def snowed(pixels: Unit, streaks: Unit, kept: float) -> Unit:
    """Pixels (N, H, W, C) mixed with the brighter of themselves and 1.5 luma + 0.5, plus streaks (N, H, W, 1) twice."""
    white = np.maximum(pixels, 1.5 * luma(pixels) + 0.5)
    return kept * pixels + (1 - kept) * white + streaks + streaks[:, ::-1, ::-1]
