"""Dataset and Split: images as uint8 arrays, labels as int64, three disjoint splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from frontier.data._split import balanced_order
from frontier.errors import InputError, nearest

_BLOCK = 1000  # images whose squares are held at once


@dataclass(frozen=True, eq=False)
class Split:
    """`images`: uint8 (N, C, H, W), 0..255; `labels`: int64 (N,)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: npt.NDArray[np.int64]) -> Split:
        """The images at `indices`, copied, in their original order."""
        chosen = np.sort(indices)
        return Split(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True, eq=False)
class Dataset:
    """`image` is (C, H, W); `mean` and `std` are those of the training split's channels, in pixel units of [0, 1]."""

    name: str
    classes: int
    image: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    train: Split
    validation: Split
    test: Split

    @classmethod
    def of(cls, name: str, classes: int, *, train: Split, validation: Split, test: Split) -> Self:
        """The data set of these three splits; image shape, mean and std are read off the training split."""
        channels, height, width = train.images.shape[1:]
        mean, std = _moments(train.images)
        return cls(name, classes, (channels, height, width), mean, std, train, validation, test)

    def split(self, name: str) -> Split:
        """A split by its name. Raises InputError for an unknown one."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        if name not in splits:
            raise InputError(f"unknown split '{name}'", expected=nearest(name, splits))
        return splits[name]

    def chosen(self, split_name: str, n: int | None, seed: int) -> npt.NDArray[np.int64]:
        """Where in a split the images of `subset` stand, rising: int64 (n,), or fewer where the split has fewer.

        They are drawn by `seed`, class counts as equal as they can be; all of them for None. With one seed a smaller
        subset lies in every larger one. Raises InputError for an unknown split or n < 1.
        """
        split = self.split(split_name)
        if n is not None and n < 1:
            raise InputError(f"a subset of {self.name} {split_name} needs at least 1 image", got=n)
        if n is None or n >= len(split):
            return np.arange(len(split))
        return np.sort(balanced_order(split.labels, seed)[:n])

    def subset(self, split_name: str, n: int | None, seed: int) -> Split:
        """The images of a split that `chosen` names; the split itself where that is all of them."""
        split, chosen = self.split(split_name), self.chosen(split_name, n, seed)
        return split if len(chosen) == len(split) else split.take(chosen)


def _moments(images: npt.NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and population standard deviation per channel, in [0, 1]; integer sums, so equal on every machine."""
    total = np.zeros(images.shape[1], dtype=np.uint64)
    squares = np.zeros_like(total)
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK].astype(np.uint16)
        total += block.sum(axis=(0, 2, 3), dtype=np.uint64)
        squares += (block * block).sum(axis=(0, 2, 3), dtype=np.uint64)  # 255^2 fits in uint16
    pixels = images.size // images.shape[1]
    mean = total / pixels
    std = np.sqrt(squares / pixels - mean**2)
    return tuple((mean / 255).tolist()), tuple((std / 255).tolist())
