"""What every data set must be; CIFAR needs its files (FRONTIER_DATA), other archives are made small where missing."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from frontier import registry
from frontier.data import _named, tiny_imagenet
from frontier.data._dataset import Dataset
from frontier.errors import InputError
from frontier.results.spec import DataSpec, Options

OPTIONS: dict[str, Options] = {"image_folder": {"folder": "pets", "size": 6, "classes": 3}}


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.cifar if "cifar" in name else ()) for name in registry.names("data")],
    scope="module",
)
def dataset(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    make_tiny: Callable[..., Path],
    make_folder: Callable[..., Path],
) -> Dataset:
    name, folder = request.param, Path(os.environ["FRONTIER_DATA"]) if os.environ.get("FRONTIER_DATA") else None
    if name == "image_folder":
        folder = tmp_path_factory.mktemp("data")
        make_folder(folder / "pets", {"train": 20})
    if name == "tiny_imagenet" and not (folder and (folder / tiny_imagenet.FOLDER).is_dir()):
        folder = tmp_path_factory.mktemp("data")
        make_tiny(folder / tiny_imagenet.FOLDER, tiny_imagenet.CLASSES, size=64, train=10, val=1)
    try:
        return _named.load(name, folder, OPTIONS.get(name, {}))
    except InputError as missing:
        if "cifar" not in name:
            raise
        pytest.skip(str(missing))


def test_the_shape_is_known_before_any_file_is_read(dataset: Dataset) -> None:
    data = DataSpec(name=dataset.name, options=OPTIONS.get(dataset.name, {}))
    assert _named.shape_of(data) == (dataset.image, dataset.classes)


def test_splits_hold_uint8_images_and_int64_labels_of_every_class(dataset: Dataset) -> None:
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.images.dtype == np.uint8
        assert split.images.shape == (len(split), *dataset.image)
        assert split.labels.dtype == np.int64
        assert sorted(set(split.labels.tolist())) == list(range(dataset.classes))


def test_mean_and_std_are_those_of_the_training_pixels(dataset: Dataset) -> None:
    sample = dataset.train.images[:: max(1, len(dataset.train) // 2000)] / 255
    assert dataset.mean == pytest.approx(sample.mean(axis=(0, 2, 3)), abs=0.02)
    assert dataset.std == pytest.approx(sample.std(axis=(0, 2, 3)), abs=0.02)


def test_validation_is_as_balanced_as_it_can_be(dataset: Dataset) -> None:
    counts = np.bincount(dataset.validation.labels)
    assert counts.max() - counts.min() <= 1
