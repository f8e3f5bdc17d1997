"""One's own images, a folder a class, cut to squares: `FOLDER/train/CLASS/*`, or `FOLDER/CLASS/*`.

`val` (or `validation`) and `test` may stand beside `train`. Each that does not is a tenth of every class of the
training images, drawn by a fixed seed. A space says:

    data: {name: image_folder, options: {folder: pets, size: 64, classes: 37}}
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from frontier.data._dataset import Dataset
from frontier.data._files import Files, coloured, root_of, visible
from frontier.errors import InputError, nearest

if TYPE_CHECKING:
    from PIL import Image

SPLITS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}  # by the folder's name
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def shape(*, folder: str, size: int, classes: int, channels: int = 3) -> tuple[tuple[int, int, int], int]:
    """((channels, size, size), classes). Raises InputError for channels that are neither 1 nor 3."""
    if channels not in (1, 3):
        raise InputError(
            "option 'channels' does not fit", where="data 'image_folder'", expected="1 (grey) or 3 (RGB)", got=channels
        )
    return (channels, size, size), classes


def load(
    root: Path | None, *, download: bool = False, folder: str, size: int, classes: int, channels: int = 3
) -> Dataset:
    """The images in `folder`, relative to `root` or absolute; class k is the k-th of the sorted class folders.

    The shorter side is resized to `size` pixels (bilinear) and the middle square kept; EXIF orientation counts.
    `download` plays no part. Raises InputError for missing folders, other classes than expected, and what is no image.
    """
    image, _ = shape(folder=folder, size=size, classes=classes, channels=channels)
    place = root_of(root) / folder
    splits = _splits(place)
    names = [path.name for path in _class_folders(splits["train"])]
    if len(names) != classes:
        raise InputError(
            "a wrong number of classes",
            where=str(splits["train"]),
            expected=f"{classes} class folders",
            got=f"{len(names)}: {_some(names)}",
            fix="write that number as the option 'classes', or name the right folder",
        )
    files = {split: _files(path, names) for split, path in splits.items()}
    absent = [split for split in ("validation", "test") if split not in files]
    *held, files["train"] = files["train"].hold_out(len(absent))
    files |= dict(zip(absent, held, strict=True))
    read = {
        split: listed.read(image, lambda opened: _square(opened, size, channels)) for split, listed in files.items()
    }
    return Dataset.of("image_folder", classes, **read)


def _splits(place: Path) -> dict[str, Path]:
    """The folder of each split that there is; `train` always, which is `place` itself where classes lie in it."""
    if not place.is_dir():
        raise InputError(
            "no such folder",
            where=str(place),
            expected="a folder of images: train/CLASS/*, or CLASS/*",
            fix="give --data or FRONTIER_DATA the folder that holds it, or an absolute path as the option 'folder'",
        )
    found = [path for path in visible(place) if path.is_dir()]
    named = [path for path in found if path.name in SPLITS]
    if not named:
        return {"train": place}
    splits = {SPLITS[path.name]: path for path in named}
    if "train" not in splits:
        raise InputError("no training images", where=str(place), expected="a folder train", got=_names(named))
    if len(splits) < len(named):
        raise InputError("two validation splits", where=str(place), expected="val or validation", got=_names(named))
    for path in found:
        if path not in named:
            raise InputError(f"unknown split '{path.name}'", where=str(path), expected=nearest(path.name, SPLITS))
    return splits


def _class_folders(split: Path) -> list[Path]:
    found = visible(split)
    for path in found:
        if not path.is_dir():
            raise InputError("a file among the class folders", where=str(path), fix="move it elsewhere")
    return found


def _files(split: Path, names: list[str]) -> Files:
    """The images of a split, whose classes must be those of the training images."""
    found = [path.name for path in _class_folders(split)]
    if found != names:
        lacking, more = sorted(set(names) - set(found)), sorted(set(found) - set(names))
        raise InputError(
            "other classes than in the training images",
            where=str(split),
            expected=_some(names),
            got=f"{len(found)} class folders; missing: {_some(lacking)}; unknown: {_some(more)}",
        )
    return Files.of([_images(split / name) for name in names])


def _images(folder: Path) -> list[Path]:
    found = visible(folder)
    for path in found:
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            raise InputError("not an image file", where=str(path), expected=f"one of {', '.join(SUFFIXES)}")
    if not found:
        raise InputError("a class without images", where=str(folder), expected="at least one image")
    return found


def _square(opened: Image.Image, size: int, channels: int) -> Image.Image:
    """The middle square of an image, `size` pixels a side, rounded as torchvision's Resize and CenterCrop do."""
    from PIL import Image, ImageOps

    upright = coloured(ImageOps.exif_transpose(opened), channels)
    shorter = min(upright.size)
    width, height = (size * side // shorter for side in upright.size)
    resized = upright.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return resized.crop((left, top, left + size, top + size))


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)


def _some(names: list[str]) -> str:
    """The first few of many names."""
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") or "none"
