"""Luma, the grey value of a colour: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), as in OpenCV."""

from __future__ import annotations

import numpy as np

from frontier.corruptions._pixels import Unit

_WEIGHTS = np.array([0.299, 0.587, 0.114])


def luma(pixels: Unit) -> Unit:
    """(..., C) of one or three channels to (..., 1)."""
    return pixels if pixels.shape[-1] == 1 else (pixels @ _WEIGHTS)[..., None]


def in_channels(colours: Unit, channels: int) -> Unit:
    """Colours (..., 3) for images of that many channels: themselves, or their luma."""
    return colours if channels == 3 else luma(colours)
