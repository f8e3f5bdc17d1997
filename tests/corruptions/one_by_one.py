"""Straightforward ways to change one image (H, W, C), by OpenCV, scipy and loops; nothing here calls the package."""

import math

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import zoom

Numbers = npt.NDArray[np.float64]
Images = npt.NDArray[np.uint8]

GREY = (0.299, 0.587, 0.114)  # the luma of red, green and blue


def levels(pixels: Numbers) -> Images:
    """Pixels clipped to [0, 1], and truncated to whole 255ths."""
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def lost(images: Images, expected: list[Numbers]) -> Numbers:
    """How many levels each element is below what was expected, in [0, 1] units: truncation loses less than one."""
    missing: Numbers = np.clip(np.array(expected), 0, 1) * 255 - images
    return missing


def dragged(image: Numbers, radius: int, sigma: float, degrees: float) -> Numbers:
    """Filtered with half a Gaussian, 2 * radius + 1 long, along a line; halves of pixels go towards minus infinity."""
    reach = 2 * radius
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for step in range(reach + 1):
        down = math.ceil(step * math.sin(math.radians(degrees)) - 0.5)
        right = math.ceil(step * math.cos(math.radians(degrees)) - 0.5)
        kernel[reach + down, reach + right] += math.exp(-(step**2) / (2 * sigma**2))
    filtered: Numbers = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return filtered.reshape(image.shape)


def enlarged(image: Numbers, factor: float) -> Numbers:
    """Zoomed about its centre and trimmed to its old size, as make_cifar_c.py does it."""
    crops = [math.ceil(side / factor) for side in image.shape[:2]]
    top, left = ((side - crop) // 2 for side, crop in zip(image.shape, crops, strict=False))
    large = zoom(image[top : top + crops[0], left : left + crops[1]], (factor, factor, 1), order=1)
    above, before = ((new - side) // 2 for new, side in zip(large.shape[:2], image.shape, strict=False))
    trimmed: Numbers = large[above : above + image.shape[0], before : before + image.shape[1]]
    return trimmed


def in_channels(colour: tuple[int, int, int], channels: int) -> Numbers:
    """A colour of levels in [0, 1], or its luma for images of one channel."""
    rgb = np.array(colour) / 255
    return rgb if channels == 3 else np.array([rgb @ GREY])


def plasma(noise: Numbers, decay: float) -> Numbers:
    """A map from 0 to 1 by diamonds and squares, point by point; noise (M, M) in [-1, 1]."""
    side = len(noise)
    heights = np.zeros((side, side))
    step, wibble = side, 100.0
    while step > 1:
        half = step // 2
        for diagonal in (True, False):
            for row in range(0, side, half):
                for column in range(0, side, half):
                    odd = (row // half % 2) + (column // half % 2)
                    if odd != (2 if diagonal else 1):
                        continue
                    ways = [(-1, -1), (-1, 1), (1, -1), (1, 1)] if diagonal else [(-1, 0), (1, 0), (0, -1), (0, 1)]
                    around = [heights[(row + i * half) % side, (column + j * half) % side] for i, j in ways]
                    heights[row, column] = sum(around) / 4 + wibble * (wibble * noise[row, column])
        step, wibble = half, wibble / decay
    return (heights - heights.min()) / (heights.max() - heights.min())


def glitter(layer: Images) -> Numbers:
    """The light of a layer of water (H, W), at most 1."""
    away = cv2.distanceTransform(255 - cv2.Canny(layer, 50, 150), cv2.DIST_L2, 5)
    away = cv2.blur(np.minimum(away, np.float32(20)), (3, 3)).astype(np.uint8)
    kernel = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    light = layer * cv2.blur(cv2.filter2D(cv2.equalizeHist(away), cv2.CV_8U, kernel), (3, 3)).astype(np.float64)
    return light / max(light.max(), 1)
