"""CIFAR-100: 60,000 colour images of 3x32x32 in 100 fine classes; 45,000 train, 5,000 validation, 10,000 test."""

from __future__ import annotations

from pathlib import Path

from frontier.data import _cifar
from frontier.data._dataset import Dataset

IMAGE = _cifar.IMAGE
CLASSES = 100
ARCHIVE = _cifar.Archive(
    name="cifar100",
    classes=CLASSES,
    folder="cifar-100-python",
    train={"train": "16019d7e3df5f24257cddd939b257f8d"},
    test={"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    label_key=b"fine_labels",
    source="CIFAR100",
)


def load(folder: Path | None, *, download: bool = False) -> Dataset:
    """CIFAR-100 from `folder/cifar-100-python`. Raises InputError (missing or damaged)."""
    return _cifar.load(ARCHIVE, folder, download=download)
