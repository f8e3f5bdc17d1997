"""Sharing a ReLU budget among layers: water-filling, in real numbers and in whole ReLUs.

The rule that SENet's published density lists follow (Kundu et al., ICLR 2023): each layer gets ReLUs in proportion to
its weight alone, not to its size; what a full layer cannot take goes to the others in proportion to theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def waterfill(weights: Sequence[float], sizes: Sequence[int], budget: float) -> NDArray[np.float64]:
    """r_l = min(N_l, c w_l), with c such that the sum is `budget` (all of every layer if that is more).

    `weights` w (L,) >= 0, `sizes` N (L,). Layers of weight 0 get what is left when all others are full, in
    proportion to their sizes. Raises ValueError for negative or non-finite weights.
    """
    w, n = _checked(weights, sizes)
    counts = np.zeros(len(n))
    left = min(float(budget), float(n.sum()))
    for share in (w, np.where(w > 0, 0.0, n)):  # those of weight 0 come last
        open_ = share > 0
        while open_.any() and left > 0:
            level = left / share[open_].sum()
            full = open_ & (level * share >= n)
            if not full.any():
                counts[open_] = level * share[open_]
                return counts
            counts[full] = n[full]
            left -= float(n[full].sum())
            open_ &= ~full
    return counts


def whole(weights: Sequence[float], sizes: Sequence[int], budget: int) -> tuple[int, ...]:
    """`waterfill` in whole ReLUs: the counts add up to min(budget, sum of sizes) exactly, and none ever falls when the
    budget rises (largest remainders would let it: the Alabama paradox).

    By Sainte-Lague's divisors: the k-th ReLU of a layer has the priority w_l / (k - 1/2), and the highest priorities
    are served; ties go to the earlier layer.
    """
    w, n = _checked(weights, sizes)
    total = min(max(budget, 0), int(n.sum()))
    weighted = np.where(w > 0, n, 0)
    if total > weighted.sum():
        rest = whole(np.where(w > 0, 0.0, n).tolist(), np.where(w > 0, 0, n).tolist(), total - int(weighted.sum()))
        return tuple(int(full) + more for full, more in zip(weighted, rest, strict=True))

    def served(level: float) -> NDArray[np.int64]:
        return np.minimum(np.floor(level * w + 0.5), weighted).astype(np.int64)

    low, high = 0.0, 1.0
    while served(high).sum() < total:
        low, high = high, 2 * high
    for _ in range(200):  # to the last bit: then what lies between the two levels are ties
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if served(middle).sum() < total else (low, middle)
    counts, above = served(low), served(high)
    for layer in range(len(n)):
        more = min(int(above[layer] - counts[layer]), total - int(counts.sum()))
        counts[layer] += more
    return tuple(int(count) for count in counts)


def _checked(weights: Sequence[float], sizes: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    w, n = np.asarray(weights, dtype=np.float64), np.asarray(sizes, dtype=np.int64)
    if w.shape != n.shape or not np.isfinite(w).all() or (w < 0).any() or (n < 0).any():
        raise ValueError(f"weights must be finite and not negative, one for each size; got {weights} for {sizes}")
    if w.any():
        w = w / w.max()
    return w, n
