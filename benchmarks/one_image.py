"""The straightforward way to corrupt: one image at a time, with OpenCV, scikit-image, scipy and Pillow.

What `benchmarks/corruptions.py` measures ours beside. Procedures and parameters are the same; each function takes an
image uint8 (32, 32, 3), a row of the corruption's PARAMETERS and a random generator, and returns such an image.
Source: the procedures of make_cifar_c.py of hendrycks/robustness, as the modules in frontier/corruptions state them.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates, zoom
from skimage.color import hsv2rgb, rgb2hsv
from skimage.filters import gaussian
from skimage.util import random_noise

from frontier.corruptions._ice import COUNT, SIDE, textures

Pixels = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float64]
Corrupt = Callable[[Pixels, Any, np.random.Generator], Pixels]


def whole(unit: Numbers) -> Pixels:
    """Pixels in [0, 1] clipped, scaled and truncated."""
    return (np.clip(unit, 0, 1) * 255).astype(np.uint8)


def gaussian_noise(image: Pixels, spread: float, rng: np.random.Generator) -> Pixels:
    return whole(image / 255 + rng.normal(scale=spread, size=image.shape))


def shot_noise(image: Pixels, photons: float, rng: np.random.Generator) -> Pixels:
    return whole(rng.poisson(image / 255 * photons) / photons)


def impulse_noise(image: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    return whole(random_noise(image / 255, mode="s&p", amount=amount, rng=rng))


def defocus_blur(image: Pixels, parameters: tuple[float, float], rng: np.random.Generator) -> Pixels:
    radius, sigma = parameters
    offsets = np.arange(-8, 9)
    disk = (offsets[:, None] ** 2 + offsets**2 <= radius**2).astype(np.float64)
    kernel = cv2.GaussianBlur(disk / disk.sum(), (3, 3), sigma)
    return whole(np.stack([cv2.filter2D(image[..., c] / 255, -1, kernel) for c in range(3)], axis=-1))


def glass_blur(image: Pixels, parameters: tuple[float, int, int], rng: np.random.Generator) -> Pixels:
    sigma, reach, times = parameters
    moved = whole(gaussian(image / 255, sigma=sigma, channel_axis=-1))
    height, width = image.shape[:2]
    for _ in range(times):
        for row in range(height - reach, reach, -1):
            for column in range(width - reach, reach, -1):
                down, right = rng.integers(-reach, reach, size=2)
                moved[row, column] = moved[row + down, column + right]
    return whole(gaussian(moved / 255, sigma=sigma, channel_axis=-1))


def motion_blur(image: Pixels, parameters: tuple[int, float], rng: np.random.Generator) -> Pixels:
    radius, sigma = parameters
    return whole(dragged(image / 255, radius, sigma, rng.uniform(-45, 45)))


def dragged(pixels: Numbers, radius: int, sigma: float, degrees: float) -> Numbers:
    """The weighted sum of the image's shifts along a line, (H, W, C)."""
    width = 2 * radius + 1
    weights = np.exp(-(np.arange(width) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    padded = np.pad(pixels, ((width, width), (width, width), (0, 0)), mode="edge")
    blurred = np.zeros_like(pixels)
    for step, weight in enumerate(weights):
        row = width + math.ceil(step * math.sin(math.radians(degrees)) - 0.5)
        column = width + math.ceil(step * math.cos(math.radians(degrees)) - 0.5)
        blurred += weight * padded[row : row + pixels.shape[0], column : column + pixels.shape[1]]
    return blurred


def zoom_blur(image: Pixels, end: float, rng: np.random.Generator) -> Pixels:
    pixels, factors = image / 255, np.arange(1, end, 0.01)
    total = sum((enlarged(pixels, factor) for factor in factors), start=pixels)
    return whole(total / (len(factors) + 1))


def enlarged(pixels: Numbers, factor: float) -> Numbers:
    """The middle of (H, W, C), resampled to the old size."""
    side = pixels.shape[0]
    crop = math.ceil(side / factor)
    top = (side - crop) // 2
    new = zoom(pixels[top : top + crop, top : top + crop], (factor, factor, 1), order=1)
    trim = (new.shape[0] - side) // 2
    return new[trim : trim + side, trim : trim + side]


def snow(image: Pixels, parameters: tuple[float, ...], rng: np.random.Generator) -> Pixels:
    mean, spread, factor, threshold, radius, sigma, kept = parameters
    layer = enlarged(rng.normal(mean, spread, size=(*image.shape[:2], 1)), factor)
    layer = whole(np.where(layer < threshold, 0.0, layer)) / 255
    layer = dragged(layer, int(radius), sigma, rng.uniform(-135, -45))
    pixels = image / 255
    grey = cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]
    mixed = kept * pixels + (1 - kept) * np.maximum(pixels, grey * 1.5 + 0.5)
    return whole(mixed + layer + np.rot90(layer, 2))


def frost(image: Pixels, parameters: tuple[float, float], rng: np.random.Generator) -> Pixels:
    height, width = image.shape[:2]
    ice = textures()[rng.integers(COUNT)]
    top, left = rng.integers(SIDE - height), rng.integers(SIDE - width)
    return whole((parameters[0] * image + parameters[1] * ice[top : top + height, left : left + width]) / 255)


def fog(image: Pixels, parameters: tuple[float, float], rng: np.random.Generator) -> Pixels:
    amplitude, decay = parameters
    pixels = image / 255
    brightest = pixels.max()
    cloudy = pixels + amplitude * plasma(image.shape[0], decay, rng)[..., None]
    return whole(cloudy * brightest / (brightest + amplitude))


def plasma(side: int, decay: float, rng: np.random.Generator) -> Numbers:
    """A diamond-square fractal (side, side) on a torus, scaled to [0, 1]."""
    heights, step, wibble = np.zeros((side, side)), side, 100.0

    def wobbled(total: Numbers) -> Numbers:
        return total / 4 + wibble * rng.uniform(-wibble, wibble, total.shape)

    while step > 1:
        half = step // 2
        corners = heights[::step, ::step]
        down = corners + np.roll(corners, -1, axis=0)
        heights[half::step, half::step] = wobbled(down + np.roll(down, -1, axis=1))
        centres = heights[half::step, half::step]
        across = corners + np.roll(corners, -1, axis=1)
        heights[::step, half::step] = wobbled(across + centres + np.roll(centres, 1, axis=0))
        heights[half::step, ::step] = wobbled(down + centres + np.roll(centres, 1, axis=1))
        step, wibble = half, wibble / decay
    heights -= heights.min()
    return heights / heights.max()


def brightness(image: Pixels, added: float, rng: np.random.Generator) -> Pixels:
    hsv = rgb2hsv(image / 255)
    hsv[..., 2] = np.clip(hsv[..., 2] + added, 0, 1)
    return whole(hsv2rgb(hsv))


def contrast(image: Pixels, left: float, rng: np.random.Generator) -> Pixels:
    pixels = image / 255
    mean = pixels.mean(axis=(0, 1), keepdims=True)
    return whole((pixels - mean) * left + mean)


def elastic_transform(image: Pixels, parameters: tuple[float, ...], rng: np.random.Generator) -> Pixels:
    height, width, channels = image.shape
    alpha, sigma, affine = (share * min(height, width) for share in parameters)
    centre, half = np.float32([width, height]) // 2, min(height, width) // 3
    corners = centre + half * np.array([[1, 1], [1, -1], [-1, -1]], dtype=np.float32)
    moved = corners + rng.uniform(-affine, affine, size=corners.shape).astype(np.float32)
    matrix = cv2.getAffineTransform(corners, moved)
    pixels = cv2.warpAffine(image / 255, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    if alpha == 0:
        return whole(pixels)
    shift = [
        alpha * gaussian_filter(rng.uniform(-1, 1, size=(height, width)), sigma, mode="reflect", truncate=3)
        for _ in range(2)
    ]
    rows, columns, channel = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    places = (rows + shift[0][..., None], columns + shift[1][..., None], channel)
    return whole(map_coordinates(pixels, places, order=1, mode="reflect"))


def pixelate(image: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    side = int(image.shape[0] * share)
    small = Image.fromarray(image).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small.resize(image.shape[:2], Image.Resampling.BOX))


def jpeg_compression(image: Pixels, quality: int, rng: np.random.Generator) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


ONE_IMAGE: dict[str, Corrupt] = {
    function.__name__: function
    for function in (
        gaussian_noise,
        shot_noise,
        impulse_noise,
        defocus_blur,
        glass_blur,
        motion_blur,
        zoom_blur,
        snow,
        frost,
        fog,
        brightness,
        contrast,
        elastic_transform,
        pixelate,
        jpeg_compression,
    )
}
