"""Saves as JPEG and reads back; PARAMETERS are Pillow's quality.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
Grey images are compressed as grey. The same at every image size; blocks are 8x8 pixels.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np

from frontier.corruptions._pixels import Images
from frontier.errors import BlockedError

FAMILY = "digital"
PARAMETERS = (80, 65, 58, 50, 40)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C) after compression at quality PARAMETERS[severity - 1].

    Raises BlockedError where Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as missing:
        raise BlockedError("jpeg_compression: Pillow is not installed; run: pip install pillow") from missing
    compressed = np.empty_like(images)
    for index, image in enumerate(images):
        file = BytesIO()
        Image.fromarray(image.squeeze(axis=-1) if image.shape[-1] == 1 else image).save(
            file, "JPEG", quality=PARAMETERS[severity - 1]
        )
        compressed[index] = np.asarray(Image.open(file)).reshape(image.shape)
    return compressed
