"""Corruptions by name: applied to a batch of network images (checked, seeded, memory bounded), and their groups."""

from __future__ import annotations

import math

import numpy as np

from frontier import registry
from frontier.corruptions._pixels import Images
from frontier.errors import InputError, nearest
from frontier.frozen import digest

SEVERITIES = (1, 2, 3, 4, 5)
FAMILIES = ("noise", "blur", "weather", "digital", "held_out")
_BLOCK = 1000  # images of CIFAR's size corrupted at once, fewer larger ones; decides what a later random draw gives


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
    at_once = min(_BLOCK, max(1, _BLOCK * 3 * 32 * 32 // math.prod(images.shape[1:])))
    for start in range(0, len(images), at_once):
        block = slice(start, start + at_once)
        channels_last = np.ascontiguousarray(images[block].transpose(0, 2, 3, 1))
        corrupted[block] = corruption.corrupt(channels_last, int(severity), rng).transpose(0, 3, 1, 2)
    return corrupted


def family(name: str) -> str:
    """One of FAMILIES; "own" for a plug-in that names none. Raises InputError for an unknown name."""
    named: str = getattr(registry.load("corruption", name), "FAMILY", "own")
    return named


def group(word: str) -> tuple[str, ...]:
    """The built-in corruptions of a family, or all 15 but the held-out ones (`common`), by family, then name.

    A plug-in is in no group, so that a group means the same everywhere. Raises InputError for an unknown word.
    """
    words = {"common": FAMILIES[:-1], **{one: (one,) for one in FAMILIES}}
    if word not in words:
        raise InputError(f"unknown group of corruptions '{word}'. {nearest(word, words)}")
    built_in = [name for name in registry.names("corruption") if _is_built_in(name)]
    return tuple(name for one in words[word] for name in built_in if family(name) == one)


def _is_built_in(name: str) -> bool:
    return registry.load("corruption", name).__package__ == "frontier.corruptions"
