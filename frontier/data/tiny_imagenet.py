"""Tiny ImageNet: 110,000 colour images of 3x64x64 in 200 classes; 90,000 train, 10,000 validation, 10,000 test.

Source: the archive tiny-imagenet-200.zip of Stanford's course CS231n, read as it was published. A tenth of its
training images is our validation split and its `val` our test split; the labels of its own `test` are not public.

The pitfall: `val/images` holds all classes in one folder and `val/val_annotations.txt` the labels. A plain
image-folder reader sees one class there, named `images`, and every label is wrong; code that expects class folders
(SNL's, Cho et al., ICML 2022) needs `val` re-arranged first. Here it is sorted in memory and no file is moved.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from frontier.data._dataset import Dataset
from frontier.data._files import Files, coloured, root_of, visible
from frontier.errors import BlockedError, InputError, nearest

IMAGE = (3, 64, 64)
CLASSES = 200
FOLDER = "tiny-imagenet-200"
ARCHIVE = f"{FOLDER}.zip"
PARTS = ("wnids.txt", "train", "val/images", "val/val_annotations.txt")
AGAIN = f"unpack {ARCHIVE} again; val must be as published, not re-arranged into class folders"


def load(folder: Path | None, *, download: bool = False) -> Dataset:
    """Tiny ImageNet from `folder/tiny-imagenet-200`; class k is the k-th of the sorted WordNet ids.

    Raises InputError (missing or damaged), BlockedError where a download is asked for: nobody offers one.
    """
    place = root_of(folder) / FOLDER
    if download and _missing(place):
        raise BlockedError(
            f"tiny_imagenet: it cannot be downloaded for you, torchvision does not offer it\n"
            f"  to do: get {ARCHIVE} by hand (Stanford's CS231n publishes it) and unpack it in {place.parent}"
        )
    return read(place, IMAGE, CLASSES)


def read(place: Path, image: tuple[int, int, int], classes: int) -> Dataset:
    """What `load` returns, from an archive of this layout with so many classes of images of this shape (C, H, W)."""
    if missing := _missing(place):
        raise InputError(
            f"tiny_imagenet: missing {', '.join(missing)}",
            where=str(place),
            expected=f"{ARCHIVE}, unpacked as published",
            fix=f"point --data or FRONTIER_DATA at the folder that holds {FOLDER}, or unpack the archive there",
        )
    wnids = _wnids(place / "wnids.txt", classes)
    validation, train = _train(place / "train", wnids).hold_out(1)
    test = _test(place / "val", wnids)
    splits = {
        name: files.read(image, lambda opened: coloured(opened, image[0]))
        for name, files in (("train", train), ("validation", validation), ("test", test))
    }
    return Dataset.of("tiny_imagenet", classes, **splits)


def _missing(place: Path) -> list[str]:
    return [part for part in PARTS if not (place / part).exists()]


def _wnids(path: Path, classes: int) -> list[str]:
    """The WordNet ids, sorted; their number is checked."""
    wnids = sorted(set(path.read_text(encoding="utf-8").split()))
    if len(wnids) != classes:
        raise InputError(
            "a wrong number of classes", where=str(path), expected=f"{classes} WordNet ids", got=len(wnids), fix=AGAIN
        )
    return wnids


def _train(folder: Path, wnids: list[str]) -> Files:
    """The official training images: `folder/WNID/images/*.JPEG`."""
    for found in visible(folder):
        if found.name not in wnids:
            raise InputError(
                f"unknown class '{found.name}'", where=str(found), expected=nearest(found.name, wnids), fix=AGAIN
            )
    by_class = [_jpegs(folder / wnid / "images") for wnid in wnids]
    _equal([len(paths) for paths in by_class], wnids, folder)
    return Files.of(by_class)


def _test(folder: Path, wnids: list[str]) -> Files:
    """The official validation images, in the order of the lines of their annotations."""
    path, label_of = folder / "val_annotations.txt", {wnid: label for label, wnid in enumerate(wnids)}
    labels: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        name, _, rest = line.partition("\t")
        wnid = rest.partition("\t")[0]  # a bounding box follows
        if wnid not in label_of:
            known = nearest(wnid, wnids)
            raise InputError(f"unknown class '{wnid}'", where=f"{path}:{number}", expected=known, got=repr(line))
        if name in labels:
            raise InputError(f"'{name}' has two labels", where=f"{path}:{number}", fix=AGAIN)
        labels[name] = label_of[wnid]
    found = {image.name for image in _jpegs(folder / "images")}
    for image, fault in ((labels.keys() - found, "is not there"), (found - labels.keys(), "has no label")):
        if image:
            raise InputError(
                f"{min(image)} {fault}" + (f", and {len(image) - 1:,} more" if len(image) > 1 else ""),
                where=str(folder / "images"),
                expected=f"the {len(labels):,} images that {path.name} names",
                got=f"{len(found):,} images",
                fix=AGAIN,
            )
    _equal(np.bincount(list(labels.values()), minlength=len(wnids)).tolist(), wnids, path)
    return Files([folder / "images" / name for name in labels], np.array(list(labels.values()), dtype=np.int64))


def _jpegs(folder: Path) -> list[Path]:
    """The images of a folder by name. Raises InputError where there are none."""
    paths = [path for path in visible(folder) if path.suffix == ".JPEG"] if folder.is_dir() else []
    if not paths:
        raise InputError("no images", where=str(folder), expected="files named *.JPEG", fix=AGAIN)
    return paths


def _equal(counts: list[int], wnids: list[str], place: Path) -> None:
    """Raises InputError unless all classes have as many images: the archive is balanced, a torn copy is not."""
    if min(counts) < max(counts):
        short = wnids[counts.index(min(counts))]
        raise InputError(
            f"class '{short}' lacks images", where=str(place), expected=f"{max(counts):,}", got=min(counts), fix=AGAIN
        )
