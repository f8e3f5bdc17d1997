"""Choosing exactly k positions by score, over all sites or in each, with ties broken the same way everywhere."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from frontier.masks.mask import Mask


def largest(scores: Mapping[str, NDArray[np.float32]], k: int) -> Mask:
    """The mask of the k largest scores over all sites together (all, if there are fewer).

    `scores` maps site paths to (C, H, W). Among equal scores the earlier site, then the earlier position wins.
    """
    flat = np.concatenate([np.asarray(score, dtype=np.float64).ravel() for score in scores.values()])
    kept = np.zeros(flat.size, dtype=bool)
    kept[np.argsort(-flat, kind="stable")[: max(k, 0)]] = True
    bits, start = {}, 0
    for path, score in scores.items():
        bits[path] = kept[start : start + score.size].reshape(score.shape)
        start += score.size
    return Mask.of(bits)


def largest_by_site(scores: Mapping[str, NDArray[np.float32]], counts: Mapping[str, int]) -> Mask:
    """The mask of the `counts[path]` largest scores of each site; among equal ones the earlier position wins."""
    bits = {}
    for path, score in scores.items():
        bits.update({path: largest({path: score}, counts[path]).bits(path)})
    return Mask.of(bits)
