"""The one way between uint8 images and numbers in [0, 1]: divide by 255; clip, multiply and truncate back.

Truncation (not rounding) is what make_cifar_c.py of hendrycks/robustness does when it casts to uint8.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
Unit = npt.NDArray[np.float64]


def to_unit(images: Images) -> Unit:
    """Pixels in [0, 1], float64, of the same shape."""
    return images / 255.0


def to_uint8(pixels: Unit) -> Images:
    """Pixels clipped to [0, 1], scaled to 0..255 and truncated."""
    return (np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)


def scaled(length: float, images: Images | Unit) -> float:
    """A length given for 32 pixels in those of images (N, H, W, C): times their shorter side / 32."""
    return float(length * min(images.shape[1:3]) / 32)
