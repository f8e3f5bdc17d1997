"""Five textures of ice ferns, drawn by a rule: stems with branches at 60 degrees, and branches of these, over a haze.

They stand in for the photographs of frost that CIFAR-10-C was made with, whose origin is not stated. Over the five, the
elements (0 to 255) have mean 132 and standard deviation 52. Textures go on at the other end, in both directions.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

SIDE = 256
COUNT = 5
Numbers = npt.NDArray[np.float64]
_SEED = 20190507
_STEMS = (34, 60, 110, 150, 220)
_LENGTHS = (130, 90, 60, 48, 38)  # of the stems, in pixels, at most
_SHADOW, _LIGHT = np.array([24.0, 42.0, 70.0]), np.array([240.0, 248.0, 255.0])


@functools.lru_cache(maxsize=1)
def textures() -> npt.NDArray[np.uint8]:
    """(COUNT, SIDE, SIDE, 3), the same in every process."""
    rng = np.random.default_rng(_SEED)
    drawn = np.stack([_texture(rng, stems, length) for stems, length in zip(_STEMS, _LENGTHS, strict=True)])
    coloured: npt.NDArray[np.uint8] = np.rint(_SHADOW + drawn[..., None] * (_LIGHT - _SHADOW)).astype(np.uint8)
    return coloured


def _texture(rng: np.random.Generator, stems: int, longest: float) -> Numbers:
    """(SIDE, SIDE) from 0, no ice, to 1."""
    start = rng.uniform(0, SIDE, (stems, 2))
    angle = rng.uniform(0, 2 * np.pi, stems)
    length = longest * rng.uniform(0.4, 1.0, stems)
    ice = np.zeros((SIDE, SIDE))
    for weight, spacing in ((1.0, 6.0), (0.75, 3.5), (0.5, 3.5)):
        _draw(ice, start, angle, length, weight)
        start, angle, length = _branches(rng, start, angle, length, spacing)
    fine = gaussian_filter(ice, 0.6, mode="wrap")
    glow = gaussian_filter(ice, 4.0, mode="wrap")
    haze = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 14.0, mode="wrap")
    grain = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 0.7, mode="wrap")
    parts = ((fine, 1.0), (glow, 0.4), (haze, 0.5), (grain, 0.2))
    bright = np.sum([weight * (part - part.mean()) / part.std() for part, weight in parts], axis=0)
    squashed: Numbers = 0.45 + 0.45 * np.tanh(0.55 * bright)
    return squashed


def _draw(ice: Numbers, start: Numbers, angle: Numbers, length: Numbers, weight: float) -> None:
    """Adds straight lines, thinner towards the tip, to the pixels that they cross."""
    way = np.arange(0.0, length.max(), 0.5)
    left = 1 - way / length[:, None]
    drawn = left > 0
    point = start[:, None] + way[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=-1)[:, None]
    row, column = (np.floor(point[drawn]).astype(int) % SIDE).T
    np.maximum.at(ice, (row, column), weight * (0.35 + 0.65 * left[drawn]))


def _branches(
    rng: np.random.Generator, start: Numbers, angle: Numbers, length: Numbers, spacing: float
) -> tuple[Numbers, Numbers, Numbers]:
    """Pairs of branches at 60 degrees, every `spacing` pixels or so; the nearer the tip, the shorter."""
    way = np.arange(spacing, max(length.max(), 2 * spacing), spacing)
    way = way + rng.uniform(-0.3, 0.3, (len(length), len(way))) * spacing
    left = length[:, None] - way
    line, step = np.nonzero(left > spacing)
    along = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    root = start[line] + way[line, step][:, None] * along[line]
    side = np.repeat([np.pi / 3, -np.pi / 3], len(line))
    reach = 0.45 * left[line, step] * rng.uniform(0.5, 1.0, (2, len(line)))
    return np.tile(root, (2, 1)), np.tile(angle[line], 2) + side, np.minimum(reach.ravel(), 26.0)
