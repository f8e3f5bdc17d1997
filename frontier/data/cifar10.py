"""CIFAR-10: 60,000 colour images of 3x32x32 in 10 classes; 45,000 train, 5,000 validation, 10,000 official test."""

from __future__ import annotations

from pathlib import Path

from frontier.data import _cifar
from frontier.data._dataset import Dataset

IMAGE = _cifar.IMAGE
CLASSES = 10
ARCHIVE = _cifar.Archive(
    name="cifar10",
    classes=CLASSES,
    folder="cifar-10-batches-py",
    train={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    },
    test={"test_batch": "40351d587109b95175f43aff81a1287e"},
    label_key=b"labels",
    source="CIFAR10",
)


def load(folder: Path | None, *, download: bool = False) -> Dataset:
    """CIFAR-10 from `folder/cifar-10-batches-py`. Raises InputError (missing or damaged)."""
    return _cifar.load(ARCHIVE, folder, download=download)
