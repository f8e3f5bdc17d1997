"""The official files of CIFAR-10-C and CIFAR-100-C, where a person has put them: their test images, corrupted once.

Source: the archives published with Hendrycks and Dietterich, ICLR 2019. In the data folder lie

    CIFAR-10-C/labels.npy         50,000 labels: those of the test split, five times over
              /gaussian_noise.npy uint8 (50,000, 32, 32, 3): severity 1 of all 10,000 images, then 2, ...

They were made without a seed, so nobody can make them again; ours are named "regenerated". Type, shape and labels are
checked; that the images are the published ones is not, but a record holds the hash of the files it was measured on.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from frontier.corruptions._apply import SEVERITIES
from frontier.corruptions._arrays import copied, mapped, sha256_of, where
from frontier.corruptions._pixels import Images
from frontier.data._dataset import Split
from frontier.data._files import root_of
from frontier.errors import InputError

FOLDERS = {"cifar10": "CIFAR-10-C", "cifar100": "CIFAR-100-C"}  # by the name of the data set
AGAIN = "unpack the archive again"


def label_of(data: str) -> str:
    """What the files are called in records and figures."""
    return f"{FOLDERS[data]} (official files)"


def refuse_without(data: str) -> None:
    """Raises InputError for a data set that has no official files."""
    if data not in FOLDERS:
        raise InputError(
            f"'{data}' has no official corrupted images",
            expected=f"'official' with {' or '.join(FOLDERS)} alone",
            fix="write corruptions: common, which are made for any data",
        )


def check(data: str, root: Path | None, test: Split, corruptions: Iterable[str]) -> None:
    """Looks at the labels and at every file that is asked for. `root` is the data folder (`~/.cache/frontier` for
    None), `test` the official test split. Raises InputError for what is missing or not as published."""
    folder = _folder(data, root)
    wanted = ["labels", *corruptions]
    missing = [f"{name}.npy" for name in wanted if not (folder / f"{name}.npy").is_file()]
    if missing:
        there = folder.is_dir()
        raise InputError(
            f"missing {', '.join(missing)}" if there else "no such folder",
            where=str(folder),
            expected=f"the official files of {folder.name}: labels.npy, and one .npy a corruption",
            got=f"{len(list(folder.glob('*.npy')))} .npy files" if there else None,
            fix=f"unpack {folder.name} into the data folder (--data or FRONTIER_DATA), or write corruptions: common",
        )
    _check_labels(folder / "labels.npy", test)
    for corruption in corruptions:
        _opened(folder / f"{corruption}.npy", test)


def rows(
    data: str, root: Path | None, test: Split, corruption: str, severity: int, chosen: npt.NDArray[np.int64]
) -> Images:
    """The images of the test split at the indices `chosen`, corrupted: uint8 (n, C, H, W), copied from the file.

    Raises InputError as `check` does.
    """
    places = where(chosen, len(test), severity)
    check(data, root, test, [corruption])
    return copied(_opened(_folder(data, root) / f"{corruption}.npy", test), places)


def hashes(data: str, root: Path | None, corruptions: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each file that is there, by corruption."""
    folder = _folder(data, root)
    return {corruption: sha256_of(folder / f"{corruption}.npy") for corruption in corruptions}


def _folder(data: str, root: Path | None) -> Path:
    refuse_without(data)
    return root_of(root) / FOLDERS[data]


def _opened(path: Path, test: Split) -> Images:
    n, channels, height, width = test.images.shape
    return _array(path, np.dtype(np.uint8), (len(SEVERITIES) * n, height, width, channels))


def _check_labels(path: Path, test: Split) -> None:
    labels = _array(path, None, (len(SEVERITIES) * len(test),))
    differ = np.flatnonzero(labels != np.tile(test.labels, len(SEVERITIES)))
    if len(differ):
        raise InputError(
            "the labels are not those of the test split",
            where=str(path),
            expected=f"the {len(test):,} labels of the test split, {len(SEVERITIES)} times over",
            got=f"{len(differ):,} others, the first at index {differ[0]:,}",
            fix="give the files that belong to this data set, or " + AGAIN,
        )


def _array(path: Path, dtype: np.dtype[Any] | None, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """The mapped array of a file; `dtype` None: whole numbers of any width."""
    expected = f"{dtype or 'whole numbers'}, shape {shape}, in one whole .npy file without Python objects"
    try:
        array = mapped(path)
    except ValueError as error:
        got = f"{path.stat().st_size:,} bytes; numpy: {error}"
        raise InputError("cannot be read", where=str(path), expected=expected, got=got, fix=AGAIN) from None
    fits = np.issubdtype(array.dtype, np.integer) if dtype is None else array.dtype == dtype
    if not fits or array.shape != shape:
        got = f"{array.dtype}, shape {array.shape}"
        raise InputError("not the official file", where=str(path), expected=expected, got=got, fix=AGAIN)
    return array
