"""Runs a Pillow operation on every image of a batch; one channel is Pillow's mode L, three are RGB."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from frontier.corruptions._pixels import Images


def each(images: Images, change: Callable[[Image.Image], Image.Image]) -> Images:
    """`change` applied to each of the (N, H, W, C) images; it must keep size and mode."""
    grey = images.shape[-1] == 1
    changed = np.empty_like(images)
    for index, image in enumerate(images):
        result = np.asarray(change(Image.fromarray(image[..., 0] if grey else image)))
        changed[index] = result[..., None] if grey else result
    return changed
