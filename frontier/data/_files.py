"""Image files become arrays: listed with their labels, held out by class, decoded by Pillow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from frontier.data._dataset import Split
from frontier.data._split import SPLIT_SEED, balanced_order
from frontier.errors import BlockedError, InputError

if TYPE_CHECKING:
    from PIL import Image

Prepare = Callable[["Image.Image"], "Image.Image"]

_MODES = {1: "L", 3: "RGB"}  # Pillow's name of an image with so many channels
_DEEP = ("I", "F")  # Pillow's modes of more than 8 bits a channel begin so; converting them would clip


@dataclass(frozen=True, eq=False)
class Files:
    """Image files that are not read yet: `labels` is int64 (N,), one for each path."""

    paths: Sequence[Path]
    labels: npt.NDArray[np.int64]

    @classmethod
    def of(cls, by_class: Sequence[Sequence[Path]]) -> Files:
        """The files of class 0, 1, ..., mixed: in every beginning of them the classes are as equal as they can be."""
        paths = [path for members in by_class for path in members]
        labels = np.repeat(np.arange(len(by_class)), [len(members) for members in by_class]).astype(np.int64)
        return cls(paths, labels).take(balanced_order(labels, SPLIT_SEED))

    def take(self, indices: Iterable[int]) -> Files:
        """The files at `indices`, in that order."""
        chosen = list(indices)
        return Files([self.paths[index] for index in chosen], self.labels[chosen])

    def hold_out(self, parts: int) -> tuple[Files, ...]:
        """`parts` times a tenth of every class, at least one image each, and last what is left.

        Always the same for the same files. Raises InputError for a class of which nothing would be left.
        """
        counts = np.bincount(self.labels)
        shares = np.maximum(1, counts // 10)
        if (counts <= parts * shares).any():
            short = int(np.flatnonzero(counts <= parts * shares)[0])
            raise InputError(
                "too few training images to hold some out",
                where=str(self.paths[int(np.flatnonzero(self.labels == short)[0])].parent),
                expected=f"at least {parts + 1}",
                got=int(counts[short]),
            )
        order = balanced_order(self.labels, SPLIT_SEED)
        rank = np.empty_like(order)  # of an image within its class, in that order
        for label in range(len(counts)):
            rank[order[self.labels[order] == label]] = np.arange(counts[label])
        part = np.minimum(rank // shares[self.labels], parts)
        return tuple(self.take(order[part[order] == number]) for number in range(parts + 1))

    def read(self, image: tuple[int, int, int], prepare: Prepare) -> Split:
        """The images, each of shape `image` (C, H, W) once `prepare` is done with it.

        Raises InputError for a file that is no image or whose shape is another, BlockedError without Pillow.
        """
        images = np.empty((len(self.paths), *image), dtype=np.uint8)
        for index, path in enumerate(self.paths):
            pixels = _decode(path, prepare)
            if pixels.shape != image:
                raise InputError(
                    "an image of another shape", where=str(path), expected=_by(image), got=_by(pixels.shape)
                )
            images[index] = pixels
        return Split(images, self.labels)


def coloured(image: Image.Image, channels: int) -> Image.Image:
    """Grey (1 channel) or RGB (3), 8 bits each; transparency is dropped, as torchvision's folder reader does.

    Raises ValueError for deeper images.
    """
    if image.mode.startswith(_DEEP):
        raise ValueError(f"{image.mode} has more than 8 bits a channel")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert(_MODES[channels])


def root_of(folder: Path | None) -> Path:
    """Where the data sets lie: `folder`, or `~/.cache/frontier` for None."""
    return folder if folder is not None else Path.home() / ".cache" / "frontier"


def visible(folder: Path) -> list[Path]:
    """What a folder holds, sorted by name, dotfiles apart."""
    return sorted(path for path in folder.iterdir() if path.name[0] != ".")


def _decode(path: Path, prepare: Prepare) -> npt.NDArray[np.uint8]:
    """One image as uint8 (C, H, W)."""
    try:
        from PIL import Image
    except ImportError as missing:
        raise BlockedError("reading image files: Pillow is not installed; run: pip install pillow") from missing
    try:
        with Image.open(path) as opened:
            pixels = np.asarray(prepare(opened), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise InputError(
            "the image cannot be read",
            where=str(path),
            expected="a whole image file of 8 bits a channel",
            got=f"{path.stat().st_size:,} bytes; Pillow: {error}" if path.is_file() else "no file",
            fix="put the original file back, or remove it",
        ) from error
    return pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
