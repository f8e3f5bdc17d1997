"""Where the corrupted images of a split lie, what they are called, and what is written beside them.

HOME/corruptions/DATA-SPLIT-DIGEST/labels.npy       the split's N labels five times over
                                  /CORRUPTION.npy   uint8 (5 N, H, W, C): severity 1 of all N images, then 2, ...
                                  /CORRUPTION.json  written last (About): with it the file is finished
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np

from frontier.corruptions._apply import SEVERITIES
from frontier.corruptions._official import FOLDERS
from frontier.data._dataset import Split
from frontier.frozen import Frozen, digest
from frontier.results.spec import DataSpec


class About(Frozen):
    """What the images of one corruption are: `hash` is the SHA-256 of the file, `code` that of what made it."""

    version: Literal[1] = 1
    corruption: str
    label: str
    data: DataSpec
    split: str
    images: int
    severities: tuple[int, ...] = SEVERITIES
    seed: int
    hash: str
    code: dict[str, str]
    libraries: dict[str, str]


@dataclass(frozen=True, eq=False)
class CorruptedSplit:
    """Where the corrupted images of a split lie, or will. `clean` is the whole split, in its order."""

    folder: Path
    label: str
    data: DataSpec
    split: str
    seed: int
    clean: Split

    @classmethod
    def under(cls, home: Path, data: DataSpec, split: str, clean: Split, seed: int) -> CorruptedSplit:
        """The one of this split with this seed. Another image, or another order, is another folder."""
        whole = DataSpec(name=data.name, options=data.options)  # a subset for training changes no other split
        key = digest([whole.model_dump(mode="json"), split, seed, _hash(clean)])
        return cls(home / "corruptions" / f"{data.name}-{split}-{key}", label_of(data.name), whole, split, seed, clean)

    @property
    def bytes_each(self) -> int:
        """Of the images of one corruption, all severities."""
        return len(SEVERITIES) * self.clean.images.nbytes

    def file(self, corruption: str) -> Path:
        return self.folder / f"{corruption}.npy"


def label_of(data: str) -> str:
    """What regenerated images are called in records and figures; they are never called CIFAR-C."""
    if data in FOLDERS:  # 3x32x32, the size that the parameters are for
        return f"{FOLDERS[data]}-style (regenerated)"
    return f"common corruptions on {data}, scaled rules (not CIFAR-C)"


_hashes: WeakKeyDictionary[Split, str] = WeakKeyDictionary()


def _hash(clean: Split) -> str:
    """SHA-256 of a split's images and labels, computed once for a split in memory."""
    if clean not in _hashes:
        sha256 = hashlib.sha256(repr(clean.images.shape).encode())
        for array in (clean.images, clean.labels):
            sha256.update(np.ascontiguousarray(array).data)
        _hashes[clean] = sha256.hexdigest()
    return _hashes[clean]
