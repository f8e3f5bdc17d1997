"""The Tiny ImageNet reader on a small archive of the published layout: right, re-arranged, torn, missing."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from frontier.data import tiny_imagenet
from frontier.data._dataset import Dataset
from frontier.errors import BlockedError, InputError

IMAGE, CLASSES = (3, 8, 8), 4
FIRST, LAST = "n00000000", "n00000033"


@pytest.fixture
def place(tmp_path: Path, make_tiny: Callable[..., Path]) -> Path:
    return make_tiny(tmp_path / tiny_imagenet.FOLDER, CLASSES)


def read(place: Path) -> Dataset:
    return tiny_imagenet.read(place, IMAGE, CLASSES)


def test_a_tenth_of_train_is_validation_and_the_official_val_is_test(place: Path) -> None:
    data = read(place)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [72, 8, 8]
    for split, each in ((data.train, 18), (data.validation, 2), (data.test, 2)):
        assert np.bincount(split.labels).tolist() == [each] * CLASSES
    assert (data.name, data.image, data.classes) == ("tiny_imagenet", IMAGE, CLASSES)


def test_labels_are_those_of_the_sorted_wordnet_ids_and_of_the_annotations(place: Path) -> None:
    data = read(place)
    assert (place / "wnids.txt").read_text().split()[0] == LAST  # the file is not sorted
    greys = data.test.images[:, 0, 0, 0]
    assert greys.tolist() == (10 * data.test.labels).tolist()  # as made: the grey of a val image tells its class
    assert data.test.labels.tolist() == [(7 * k + 1) % CLASSES for k in range(8)]
    rest = data.train.images[:, 0, 0, 0].astype(int) - 10 * data.train.labels
    assert rest.min() >= 0
    assert rest.max() < 20


def test_train_and_validation_are_disjoint_mixed_and_always_the_same(place: Path) -> None:
    data, again = read(place), read(place)
    for split, other in ((data.train, again.train), (data.validation, again.validation)):
        assert np.array_equal(split.images, other.images)
        assert np.array_equal(split.labels, other.labels)
    assert sorted(data.train.labels[:4].tolist()) == [0, 1, 2, 3]
    for label in range(CLASSES):
        kept, held = (set(s.images[s.labels == label, 0, 0, 0].tolist()) for s in (data.train, data.validation))
        assert kept | held == set(range(10 * label, 10 * label + 20))
        assert not kept & held


def test_grey_images_become_rgb(place: Path) -> None:
    with Image.open(place / "train" / FIRST / "images" / f"{FIRST}_0.JPEG") as grey:
        assert grey.mode == "L"
    assert read(place).train.images.shape == (72, 3, 8, 8)


def test_nothing_in_the_archive_is_moved(place: Path) -> None:
    before = sorted(place.rglob("*"))
    read(place)
    assert sorted(place.rglob("*")) == before


def rearranged(place: Path) -> None:
    """As the usual script leaves it: class folders in val."""
    for line in (place / "val" / "val_annotations.txt").read_text().splitlines():
        name, wnid = line.split("\t")[:2]
        (place / "val" / wnid).mkdir(exist_ok=True)
        (place / "val" / "images" / name).rename(place / "val" / wnid / name)
    (place / "val" / "images").rmdir()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


ANNOTATIONS = Path("val", "val_annotations.txt")


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (shutil.rmtree, ["missing wnids.txt, train, val/images", "FRONTIER_DATA", "tiny-imagenet-200.zip"]),
        (lambda p: (p / "wnids.txt").unlink(), ["missing wnids.txt\n"]),
        (rearranged, ["missing val/images"]),
        (
            lambda p: edit(p / "wnids.txt", f"{LAST}\n", ""),
            ["wnids.txt: a wrong number of classes", "4 Word", "got: 3"],
        ),
        (lambda p: edit(p / "wnids.txt", LAST, "n00000034"), [f"unknown class '{LAST}'", "Did you mean 'n00000034'?"]),
        (lambda p: shutil.rmtree(p / "train" / FIRST), [f"{FIRST}/images: no images", "expected: files named *.JPEG"]),
        (lambda p: (p / "train" / FIRST / "images" / f"{FIRST}_3.JPEG").unlink(), ["lacks images", "20", "got: 19"]),
        (lambda p: (p / "val/images/val_1.JPEG").unlink(), ["val_1.JPEG is not there", "the 8 images", "not re-arr"]),
        (lambda p: edit(p / ANNOTATIONS, "val_1.JPEG", "val_9.JPEG"), ["val_9.JPEG is not there", "got: 8 images"]),
        (
            lambda p: edit(p / ANNOTATIONS, "val_1.JPEG", "val_0.JPEG"),
            [f"{ANNOTATIONS}:2: 'val_0.JPEG' has two labels"],
        ),
        (
            lambda p: (p / ANNOTATIONS).write_text("\n".join((p / ANNOTATIONS).read_text().split("\n")[:2])),
            ["val_2.JPEG has no label, and 5 more"],
        ),
        (lambda p: edit(p / ANNOTATIONS, "n00000011", "n00000012"), [f"{ANNOTATIONS}:1: unknown class 'n00000012'"]),
        (lambda p: edit(p / ANNOTATIONS, "\t", " "), [f"{ANNOTATIONS}:1: unknown class"]),
        (lambda p: edit(p / ANNOTATIONS, "n00000011", "n00000022"), ["class 'n00000011' lacks images", "expected: 3"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place(place: Path, break_it: Callable[[Path], None], says: list[str]) -> None:
    break_it(place)
    with pytest.raises(InputError) as error:
        read(place)
    assert str(place) in str(error.value)
    for part in says:
        assert part in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not an image", None])
def test_an_unreadable_image_is_named(place: Path, content: bytes | None) -> None:
    path = place / "val" / "images" / "val_5.JPEG"
    path.write_bytes(path.read_bytes()[:-200] if content is None else content)
    with pytest.raises(InputError, match=re.escape(f"{path}: the image cannot be read")):
        read(place)


def test_an_image_of_another_size_is_refused(place: Path) -> None:
    path = place / "val" / "images" / "val_5.JPEG"
    Image.new("RGB", (9, 8)).save(path, "JPEG")
    with pytest.raises(InputError, match=r"(?s)val_5\.JPEG.*expected: 3x8x8.*got: 3x8x9"):
        read(place)


def test_download_is_blocked_and_names_the_archive_unless_it_is_there(tmp_path: Path) -> None:
    with pytest.raises(BlockedError, match=r"(?s)torchvision does not offer it.*tiny-imagenet-200\.zip by hand"):
        tiny_imagenet.load(tmp_path, download=True)
    with pytest.raises(InputError, match="missing wnids"):
        tiny_imagenet.load(tmp_path)


def test_no_folder_means_the_cache_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    with pytest.raises(InputError, match=str(tmp_path / ".cache" / "frontier" / "tiny-imagenet-200")):
        tiny_imagenet.load(None)
