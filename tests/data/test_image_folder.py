"""A folder of one's own images: its layouts, its splits, what is done to an image, and what is refused."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from frontier.data import image_folder
from frontier.data._dataset import Dataset
from frontier.errors import BlockedError, InputError
from frontier.results.spec import DataSpec, TrialSpec
from frontier.spaces.space import Space
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

Make = Callable[..., Path]


def load(root: Path, *, size: int = 6, channels: int = 3) -> Dataset:
    return image_folder.load(root, folder="pets", size=size, classes=3, channels=channels)


def rows(data: Dataset) -> list[set[bytes]]:
    return [{image.tobytes() for image in split.images} for split in (data.train, data.validation, data.test)]


@pytest.mark.parametrize(
    ("layout", "sizes"),
    [
        ({"": 20}, [48, 6, 6]),
        ({"train": 20}, [48, 6, 6]),
        ({"train": 20, "val": 4}, [54, 12, 6]),
        ({"train": 20, "test": 4}, [54, 6, 12]),
        ({"train": 3, "validation": 1, "test": 2}, [9, 3, 6]),
        ({"train": 3}, [3, 3, 3]),
    ],
)
def test_absent_splits_are_a_tenth_of_train_each(
    tmp_path: Path, make_folder: Make, layout: dict[str, int], sizes: list[int]
) -> None:
    make_folder(tmp_path / "pets", layout)
    data = load(tmp_path)
    assert [len(split) for split in (data.train, data.validation, data.test)] == sizes
    for split in (data.train, data.validation, data.test):
        assert len(set(np.bincount(split.labels).tolist())) == 1
    parts = rows(data)
    assert len(set.union(*parts)) == sum(map(len, parts)) == sum(sizes)
    assert rows(load(tmp_path)) == parts


def test_a_rare_class_keeps_nine_tenths_of_its_training_images(tmp_path: Path, make_folder: Make) -> None:
    make_folder(tmp_path / "pets", {"train": 100}, ("cat", "dog"))
    make_folder(tmp_path / "pets", {"train": 10}, ("eel",))
    data = load(tmp_path)
    assert np.bincount(data.train.labels).tolist() == [80, 80, 8]
    assert np.bincount(data.validation.labels).tolist() == np.bincount(data.test.labels).tolist() == [10, 10, 1]


def test_labels_are_those_of_the_sorted_class_folders(tmp_path: Path) -> None:
    for grey, name in ((10, "a"), (20, "b"), (30, "c")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for k in range(4):
            Image.new("L", (8, 8), grey + k).save(tmp_path / "pets" / name / f"{k}.png")
    data = load(tmp_path)
    for split in (data.train, data.validation, data.test):
        assert (split.images[:, 0, 0, 0] // 10 - 1).tolist() == split.labels.tolist()


def test_an_absolute_folder_needs_no_root_and_dotfiles_are_ignored(tmp_path: Path, make_folder: Make) -> None:
    place = make_folder(tmp_path / "pets", {"train": 4})
    for folder in (place, place / "train", place / "train" / "cat"):
        (folder / ".DS_Store").write_bytes(b"junk")
    (place / "README.txt").write_text("beside the splits nothing is read")
    data = image_folder.load(None, folder=str(place), size=4, classes=3)
    assert (data.image, len(data.train)) == ((3, 4, 4), 6)


# what is done to an image


def one(tmp_path: Path, image: Image.Image, *, name: str = "x.png", size: int = 6, channels: int = 3) -> np.ndarray:
    """The image (C, H, W) that a file becomes: it stands alone in the test split."""
    for split, count in (("train", 1), ("val", 1), ("test", 1)):
        for label in ("a", "b", "c"):
            (tmp_path / "pets" / split / label).mkdir(parents=True)
            for k in range(count):
                Image.new("L", (8, 8)).save(tmp_path / "pets" / split / label / f"{k}.png")
    (tmp_path / "pets" / "test" / "b" / "0.png").unlink()
    image.save(tmp_path / "pets" / "test" / "b" / name, **({"exif": image.getexif()} if image.getexif() else {}))
    test = load(tmp_path, size=size, channels=channels).test
    return test.images[test.labels == 1][0]


@pytest.mark.parametrize("dimensions", [(13, 8), (8, 13), (6, 6), (5, 9), (41, 17)])
def test_squares_are_those_of_torchvision(tmp_path: Path, dimensions: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*dimensions[::-1], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    expected = Compose([Resize(6, InterpolationMode.BILINEAR), CenterCrop(6)])(image)
    assert np.array_equal(one(tmp_path, image), np.asarray(expected).transpose(2, 0, 1))


def test_orientation_of_the_camera_counts(tmp_path: Path) -> None:
    image = Image.new("RGB", (6, 6))
    image.paste((255, 255, 255), (0, 0, 6, 3))  # the upper half as stored
    image.getexif()[0x0112] = 6  # to be turned by 90 degrees clockwise
    pixels = one(tmp_path, image)
    assert pixels[:, :, 3:].min() == 255
    assert pixels[:, :, :3].max() == 0


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_of_eight_bits_becomes_grey_or_rgb(tmp_path: Path, mode: str, channels: int) -> None:
    white = Image.new("RGBA", (8, 8), (255, 255, 255, 255)).convert("RGB").convert(mode)
    name = "x.tif" if mode in ("CMYK", "PA") else "x.png"
    if mode == "PA":
        white = white.convert("RGBA")  # no writer keeps PA
    pixels = one(tmp_path, white, name=name, channels=channels)
    assert pixels.shape == (channels, 6, 6)
    assert pixels.min() == 255


def test_a_transparent_palette_becomes_rgb_without_a_warning(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.info["transparency"] = bytes([255, 7])
    assert one(tmp_path, image)[:, 0, 0].tolist() == [10, 20, 30]


def test_deeper_images_are_refused_rather_than_clipped(tmp_path: Path) -> None:
    deep = Image.fromarray(np.full((8, 8), 40_000, dtype=np.uint16))
    with pytest.raises(InputError, match=r"(?s)x\.png: the image cannot be read.*I;16 has more than 8 bits"):
        one(tmp_path, deep)


# what is refused


@pytest.mark.parametrize(
    ("layout", "break_it", "says"),
    [
        ({"": 4}, shutil.rmtree, ["pets: no such folder", "train/CLASS/*", "FRONTIER_DATA"]),
        ({"": 4}, lambda p: shutil.rmtree(p / "eel"), ["a wrong number of classes", "3 class folders", "2: cat, dog"]),
        ({"": 4}, lambda p: (p / "list.txt").touch(), ["list.txt: a file among the class folders"]),
        ({"train": 4, "val": 1}, lambda p: (p / "train").rename(p / "trian"), ["no training images", "got: val"]),
        ({"train": 4, "val": 1, "validation": 1}, lambda p: None, ["two validation splits", "val, validation"]),
        ({"train": 4}, lambda p: (p / "tets").mkdir(), ["tets: unknown split 'tets'", "Did you mean 'test'?"]),
        (
            {"train": 4, "test": 1},
            lambda p: (p / "test" / "dog").rename(p / "test" / "fox"),
            ["other classes than in the training images", "missing: dog; unknown: fox"],
        ),
        ({"train": 4}, lambda p: [f.unlink() for f in (p / "train/dog").iterdir()], ["dog: a class without images"]),
        ({"": 4}, lambda p: (p / "cat" / "Thumbs.db").touch(), ["Thumbs.db: not an image file", ".jpeg"]),
        ({"": 4}, lambda p: (p / "cat" / "more.png").mkdir(), ["more.png: not an image file"]),
        ({"": 4}, lambda p: (p / "cat" / "0.png").write_text("words"), ["0.png: the image cannot be read", "5 bytes"]),
        ({"": 2}, lambda p: None, ["cat: too few training images to hold some out", "at least 3", "got: 2"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, make_folder: Make, layout: dict[str, int], break_it: Callable[[Path], None], says: list[str]
) -> None:
    break_it(make_folder(tmp_path / "pets", layout))
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert str(tmp_path) in str(error.value)
    for part in says:
        assert part in str(error.value)


def test_without_pillow_it_is_blocked(tmp_path: Path, make_folder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path / "pets", {"train": 4})
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(BlockedError, match="pip install pillow"):
        load(tmp_path)


# in a trial and in a space


def test_a_trial_runs_on_a_folder(spec: TrialSpec, tmp_path: Path, make_folder: Make) -> None:
    make_folder(tmp_path / "pets", {"train": 40})
    data = DataSpec(name="image_folder", options={"folder": "pets", "size": 8, "classes": 3})
    asked = spec.model_copy(update={"data": data})
    record = run(asked, tmp_path / "trial", Runtime(home=tmp_path, data=tmp_path))
    assert (record.state, record.reason) == ("complete", None)
    (point,) = record.points
    assert point.relu_count == spec.relu_budget
    assert point.test.clean.n == point.validation.clean.n == 12
    assert TrialSpec.model_validate_json(record.spec.model_dump_json()) == asked


def test_a_space_on_a_folder_is_checked_with_file_and_line(space: Path) -> None:
    from frontier.api.lookups import load_space

    digits = "{name: digits, train_images: 200}"
    text = space.read_text()
    assert digits in text
    space.write_text(text.replace(digits, "{name: image_folder, options: {folder: pets, size: 64, classes: 37}}"))
    loaded = load_space(str(space))
    assert isinstance(loaded, Space)
    assert loaded.data.options == {"folder": "pets", "size": 64, "classes": 37}
    space.write_text(text.replace(digits, "{name: image_folder, options: {folder: pets, siez: 64, classes: 37}}"))
    with pytest.raises(
        InputError, match=re.escape(f"{space}:3: unknown option 'siez'") + r"(?s:.*)Did you mean 'size'"
    ):
        load_space(str(space))
