"""Saves as JPEG and reads back; PARAMETERS are Pillow's quality.

Source: make_cifar_c.py of hendrycks/robustness (Hendrycks and Dietterich, ICLR 2019).
Grey images are compressed as grey. The same at every image size; blocks are 8x8 pixels.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from frontier.corruptions._pillow import each
from frontier.corruptions._pixels import Images

PARAMETERS = (80, 65, 58, 50, 40)


def corrupt(images: Images, severity: int, rng: np.random.Generator) -> Images:
    """Images (N, H, W, C) after compression at quality PARAMETERS[severity - 1]."""

    def through_jpeg(image: Image.Image) -> Image.Image:
        file = BytesIO()
        image.save(file, "JPEG", quality=PARAMETERS[severity - 1])
        return Image.open(file)

    return each(images, through_jpeg)
