"""A seeded order of images in which every prefix is balanced over the classes; splits and subsets are cut from it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from frontier.errors import InputError

SPLIT_SEED = 0  # fixes train/validation/test of every data set without an official validation split


def balanced_order(labels: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """A permutation of `range(len(labels))`, shuffled by `seed`, that goes round the classes.

    In every prefix the class counts differ by at most one until a class is used up. The order is the same on every
    machine: only the raw stream of PCG64 is used, which NumPy guarantees (NEP 19), and no sampling routine.
    Raises InputError for a negative seed.
    """
    if seed < 0:
        raise InputError("a split needs a seed of 0 or more", got=seed)
    keys = np.random.PCG64(seed).random_raw(labels.size)
    by_class = np.lexsort((keys, labels))
    counts = np.bincount(labels)
    rank_in_class = np.arange(labels.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return by_class[np.lexsort((keys[by_class], rank_in_class))].astype(np.int64)
