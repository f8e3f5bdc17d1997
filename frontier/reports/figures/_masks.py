"""Two masks pixel by pixel: how much each keeps there, both, and one alone; of all channels and of single ones.

Values are whole percentages in bytes, so that the maps of a network with half a million positions fit into a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontier.masks.mask import Mask
from frontier.reports.points import evenly

Map = NDArray[np.uint8]  # (H, W), percent
MOST_CELLS = 70_000  # pixels of all maps of an atlas: a byte each
MOST_CHANNELS = 3  # single channels of a site


@dataclass(frozen=True)
class Maps:
    """One site, or one channel of it: the share of its positions at each pixel, and their number, that is kept by the
    first, by the second, by both, by the first alone and by the second alone, in this order."""

    maps: tuple[Map, ...]
    counts: tuple[int, ...]
    positions: int


def comparable(one: Mask, other: Mask) -> bool:
    """Whether the two are of the same sites and shapes."""
    return dict(one.sites) == dict(other.sites)


def maps_of(one: Mask, other: Mask, site: str, channel: int | None = None) -> Maps:
    """`channel` None: the mean over channels. A site without height and width is one pixel high."""
    left, right = (_planes(mask, site, channel) for mask in (one, other))
    found = (left, right, left & right, left & ~right, ~left & right)
    return Maps(
        maps=tuple(np.rint(100 * bits.mean(axis=0)).astype(np.uint8) for bits in found),
        counts=tuple(int(np.count_nonzero(bits)) for bits in found),
        positions=int(left.size),
    )


def channels_of(sites: Sequence[tuple[str, tuple[int, ...]]]) -> int:
    """How many single channels of each site fit besides the means."""
    pixels = sum(int(np.prod(shape[1:])) for _, shape in sites)
    return max(min(MOST_CHANNELS, MOST_CELLS // max(5 * pixels, 1) - 1), 0)


def channels(shape: tuple[int, ...], most: int) -> list[int]:
    """The first, the last and what lies evenly between, at most so many."""
    if most < 2:
        return [0] * most
    return evenly(shape[0], most)


def _planes(mask: Mask, site: str, channel: int | None) -> NDArray[np.bool_]:
    bits = mask.bits(site)
    planes = bits.reshape(bits.shape[0], *(bits.shape[1:] if bits.ndim == 3 else (1, -1)))
    return planes if channel is None else planes[channel : channel + 1]
