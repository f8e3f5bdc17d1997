"""Applies a corruption by name to a batch of network images: checked, seeded, and with bounded memory."""

from __future__ import annotations

import numpy as np

from frontier import registry
from frontier.corruptions._pixels import Images
from frontier.errors import InputError
from frontier.frozen import digest

SEVERITIES = (1, 2, 3, 4, 5)
_BLOCK = 1000  # images corrupted at once; part of the result of corruptions that draw more than one random array


def apply(name: str, images: Images, severity: int, seed: int) -> Images:
    """The corrupted images, uint8 (N, C, H, W), same shape; the given ones are left as they are.

    The random stream depends on (seed, name, severity) only: the same call gives the same images, in any process and
    after any other call. At 3x32x32 the parameters are those of CIFAR-10-C, regenerated with our own random stream;
    at other sizes the result follows the scaled rule of each module and is not CIFAR-C.
    Raises InputError for an unknown name, a severity outside 1..5, or images of another type or shape.
    """
    corruption = registry.load("corruption", name)
    if isinstance(severity, bool) or severity not in SEVERITIES:
        raise InputError(f"{name}: unknown severity", expected="a whole number from 1 to 5", got=severity)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise InputError(
            f"{name}: these are not images", expected="uint8 (N, 1 or 3, H, W)", got=f"{images.dtype} {images.shape}"
        )
    rng = np.random.default_rng(int(digest([seed, name, int(severity)]), 16))
    corrupted = np.empty_like(images)
    for start in range(0, len(images), _BLOCK):
        block = slice(start, start + _BLOCK)
        channels_last = np.ascontiguousarray(images[block].transpose(0, 2, 3, 1))
        corrupted[block] = corruption.corrupt(channels_last, int(severity), rng).transpose(0, 3, 1, 2)
    return corrupted
