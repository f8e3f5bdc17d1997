"""Splashes water or mud; PARAMETERS are (mean, spread, blur, threshold, strength, 0 for water or 1 for mud).

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
Liquid is where blurred normal noise reaches the threshold. Water is added, and glitters by the distance to its
outlines; mud covers, under a mask that is blurred by `strength` pixels. Grey images get the liquid's luma. Water above
1 counts as 1. Other image sizes: both blurs scale with the shorter side / 32, and the spread of the noise so that its
spread after the blur, and with it the share of liquid, stays; the 3x3 filters and the distances stay in pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from frontier.corruptions._luma import in_channels
from frontier.corruptions._outlines import PIXEL, Layers, distance, outlines
from frontier.corruptions._pixels import Images, Unit, scaled, to_uint8, to_unit

FAMILY = "held_out"
PARAMETERS = (
    (0.62, 0.1, 0.7, 0.7, 0.5, 0),
    (0.65, 0.1, 0.8, 0.7, 0.5, 0),
    (0.65, 0.3, 1.0, 0.69, 0.5, 0),
    (0.65, 0.1, 0.7, 0.69, 0.6, 1),
    (0.65, 0.1, 0.5, 0.68, 0.6, 1),
)
_WATER = np.array([175, 238, 238]) / 255  # pale turquoise
_MUD = np.array([63, 42, 20]) / 255
_CANNY = (50, 150)
_FURTHEST = 20  # pixels
_RELIEF = (
    (-2, -1, 0),
    (-1, 1, 1),
    (0, 1, 2),
)  # bright where what lies below and to the right is further from the outlines


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C), each under its own splashes."""
    mean, spread, blur, threshold, strength, kind = PARAMETERS[severity - 1]
    wide = scaled(blur, images)
    spread *= blurred_spread(blur) / blurred_spread(wide)
    layers = liquid(rng.normal(mean, spread, images.shape[:3]), wide, threshold)
    pixels, channels = to_unit(images), images.shape[-1]
    if kind == 0:
        water = strength * glitter((np.minimum(layers, 1.0) * 255).astype(np.uint8))
        return to_uint8(pixels + water[..., None] * in_channels(_WATER, channels))
    mud = cover(layers > threshold, scaled(strength, images))[..., None]
    return to_uint8(pixels * (1 - mud) + mud * in_channels(_MUD, channels))


def liquid(noise: Unit, blur: float, threshold: float) -> Unit:
    """Noise (N, H, W) blurred within each image, and 0 where that is below the threshold."""
    blurred: Unit = gaussian_filter(noise, (0, blur, blur), mode="nearest")
    return np.where(blurred < threshold, 0.0, blurred)


def blurred_spread(blur: float) -> float:
    """The standard deviation that a Gaussian blur leaves of white noise of standard deviation 1, in two dimensions."""
    reach = int(4 * blur + 0.5)  # where scipy cuts it off
    impulse = np.zeros(2 * reach + 1)
    impulse[reach] = 1.0
    return float((gaussian_filter(impulse, blur, mode="constant") ** 2).sum())


def cover(mask: npt.NDArray[np.bool_], blur: float) -> Unit:
    """How much of each pixel (N, H, W) is covered: the blurred mask, and 0 where that is below 0.8."""
    covered: Unit = gaussian_filter(mask.astype(np.float64), (0, blur, blur), mode="nearest")
    return np.where(covered < 0.8, 0.0, covered)


def glitter(layers: Layers) -> Unit:
    """The light of water layers (N, H, W), at most 1 in every image: thickness times the relief of its distances."""
    light = layers.astype(np.float64) * relief(equalized(levels(layers)))
    brightest = light.max(axis=(1, 2), keepdims=True)
    share: Unit = np.divide(light, brightest, out=np.zeros_like(light), where=brightest > 0)
    return share


def levels(layers: Layers) -> Layers:
    """How far every pixel is from the liquid's outlines, averaged over 3x3 pixels and truncated to whole pixels."""
    to_outline = distance(outlines(layers, *_CANNY), _FURTHEST)
    return (_summed(to_outline) // (9 * PIXEL)).astype(np.uint8)


def equalized(layers: Layers) -> Layers:
    """Histogram equalisation of each image: 255 times the share of pixels up to a level, the darkest left out."""
    n = len(layers)
    flat = layers.reshape(n, -1).astype(np.intp) + 256 * np.arange(n)[:, None]
    counts = np.bincount(flat.ravel(), minlength=256 * n).reshape(n, 256)
    lowest = (counts > 0).argmax(axis=1)
    above = counts.cumsum(axis=1) - counts[np.arange(n), lowest][:, None]
    whole = above[:, -1:].astype(np.float32)
    scale = np.divide(np.float32(255), whole, out=np.zeros_like(whole), where=whole > 0)
    ranks = np.rint(np.maximum(above, 0).astype(np.float32) * scale)
    table: Layers = np.where(whole > 0, ranks, lowest[:, None]).astype(np.uint8)  # an image of one level keeps it
    equal: Layers = table.ravel()[flat].reshape(layers.shape)
    return equal


def relief(layers: Layers) -> Layers:
    """Layers (N, H, W) lit from the side, clipped to 0..255, then averaged over 3x3 pixels and rounded."""
    height, width = layers.shape[1:]
    padded = _mirrored(layers.astype(np.int32))
    lit = np.zeros(layers.shape, dtype=np.int32)
    for (row, column), weight in np.ndenumerate(np.array(_RELIEF)):
        if weight:
            lit += weight * padded[:, row : row + height, column : column + width]
    return ((_summed(np.clip(lit, 0, 255)) + 4) // 9).astype(np.uint8)


def _summed(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Sums over 3x3 pixels; values (N, H, W)."""
    padded = _mirrored(values)
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    summed: npt.NDArray[np.int32] = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    return summed


def _mirrored(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """One more pixel on every side, the edge not repeated (OpenCV's default)."""
    return np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="reflect")
