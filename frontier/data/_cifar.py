"""Reads the original CIFAR files: MD5 first, then the pickled arrays, then a fixed 45,000 + 5,000 training split.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, the "python version" archives; MD5
sums as published in torchvision/datasets/cifar.py.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from frontier.data._dataset import Dataset, Split
from frontier.data._download import fetch
from frontier.data._files import root_of
from frontier.data._split import SPLIT_SEED, balanced_order
from frontier.data._unpickle import arrays
from frontier.errors import InputError

IMAGE = (3, 32, 32)


@dataclass(frozen=True)
class Archive:
    """One published archive: its folder, the MD5 of every file by name, and where its labels are."""

    name: str
    classes: int
    folder: str
    train: Mapping[str, str]
    test: Mapping[str, str]
    label_key: bytes
    source: str  # the class in torchvision.datasets that knows where to download it
    validation: int = 5000  # training images held out


def load(archive: Archive, folder: Path | None, *, download: bool) -> Dataset:
    """The data set in `folder / archive.folder` (`~/.cache/frontier` for None).

    Raises InputError for missing files and for one whose MD5 is not the published one, BlockedError where a download
    was asked for and failed.
    """
    root = root_of(folder)
    files = [Path(archive.folder) / file for file in (*archive.train, *archive.test)]
    missing = [file.name for file in files if not (root / file).is_file()]
    if missing and not download:
        raise InputError(
            f"{archive.name}: missing {', '.join(missing)}",
            where=str(root / archive.folder),
            expected=f"the original files, in {archive.folder}",
            fix=f"point --data or FRONTIER_DATA at the folder that holds {archive.folder}, or pass --download",
        )
    if missing:
        fetch(archive.name, archive.source, root, files)
    official = _read(archive, root, archive.train)
    order = balanced_order(official.labels, SPLIT_SEED)
    return Dataset.of(
        archive.name,
        archive.classes,
        train=official.take(order[archive.validation :]),
        validation=official.take(order[: archive.validation]),
        test=_read(archive, root, archive.test),
    )


def _read(archive: Archive, root: Path, files: Mapping[str, str]) -> Split:
    """The images of several files, one after the other, in file order."""
    parts = [_read_file(root / archive.folder / file, md5, archive.label_key) for file, md5 in files.items()]
    return Split(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def _read_file(path: Path, md5: str, label_key: bytes) -> Split:
    """One file, checked and unpickled from the same bytes."""
    content = path.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise InputError(
            "the file is damaged or not the original",
            where=str(path),
            expected=f"MD5 {md5}",
            got=f"MD5 {found}, {len(content):,} bytes",
            fix="delete it, then unpack the archive again or pass --download",
        )
    try:
        fields = arrays(content)
    except pickle.UnpicklingError as refusal:
        raise InputError(f"refused: {refusal}", where=str(path)) from refusal
    return Split(fields[b"data"].reshape(-1, *IMAGE), np.asarray(fields[label_key], dtype=np.int64))
