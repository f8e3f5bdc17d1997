"""Archives of image files, made small: Tiny ImageNet in its published layout, and a folder of one's own."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> Image.Image:
    """An image of (width, height) whose pixels are drawn by `seed`."""
    shape = (*size[::-1], 3) if mode == "RGB" else size[::-1]
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def make_tiny(place: Path, classes: int = 4, *, size: int = 8, train: int = 20, val: int = 2) -> Path:
    """An archive as published: `train` and `val` images a class, wnids unsorted, the val images of all classes mixed.

    Image k of class c is flat and of the grey value 10 * c + k, except that the first of every class is a grey JPEG.
    """
    wnids = [f"n{11 * number:08d}" for number in range(classes)]
    place.mkdir(parents=True)
    (place / "wnids.txt").write_text("\n".join(reversed(wnids)) + "\n")
    jpegs = {grey: encoded(Image.new("RGB", (size, size), (grey, grey, grey))) for grey in range(256)}
    for label, wnid in enumerate(wnids):
        images = place / "train" / wnid / "images"
        images.mkdir(parents=True)
        (images.parent / f"{wnid}_boxes.txt").write_text("")
        for k in range(train):
            (images / f"{wnid}_{k}.JPEG").write_bytes(jpegs[(10 * label + k) % 256])
        (images / f"{wnid}_0.JPEG").write_bytes(encoded(Image.new("L", (size, size), 10 * label % 256)))
    images = place / "val" / "images"
    images.mkdir(parents=True)
    lines = []
    for k in range(classes * val):
        label = (7 * k + 1) % classes  # 7 is prime to the number of classes: each comes `val` times
        (images / f"val_{k}.JPEG").write_bytes(jpegs[10 * label % 256])
        lines.append(f"val_{k}.JPEG\t{wnids[label]}\t0\t32\t44\t62\n")
    (place / "val" / "val_annotations.txt").write_text("".join(lines))
    return place


def make_folder(place: Path, splits: dict[str, int], classes: tuple[str, ...] = ("cat", "dog", "eel")) -> Path:
    """So many PNG images of 9x8 pixels a class in `place/SPLIT/CLASS`; the split "" is `place` itself."""
    seed = 0
    for split, count in splits.items():
        for name in classes:
            (place / split / name).mkdir(parents=True)
            for k in range(count):
                picture(seed := seed + 1, (9, 8)).save(place / split / name / f"{k}.png")
    return place


@pytest.fixture(name="make_tiny", scope="session")
def _make_tiny() -> Callable[..., Path]:
    return make_tiny


@pytest.fixture(name="make_folder", scope="session")
def _make_folder() -> Callable[..., Path]:
    return make_folder
