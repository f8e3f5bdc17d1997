"""What every data set must be; CIFAR needs its files (FRONTIER_DATA)."""

import os
from pathlib import Path

import numpy as np
import pytest

from frontier import registry
from frontier.data._dataset import Dataset
from frontier.errors import InputError


def _load(name: str) -> Dataset:
    folder = os.environ.get("FRONTIER_DATA")
    try:
        return registry.load("data", name).load(Path(folder) if folder else None)
    except InputError as blocked:
        pytest.skip(str(blocked))


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.cifar if "cifar" in name else ()) for name in registry.names("data")],
    scope="module",
)
def dataset(request: pytest.FixtureRequest) -> Dataset:
    return _load(request.param)


def test_module_constants_describe_the_loaded_images(dataset: Dataset) -> None:
    module = registry.load("data", dataset.name)
    assert dataset.image == module.IMAGE
    assert dataset.classes == module.CLASSES


def test_splits_hold_uint8_images_and_int64_labels_of_every_class(dataset: Dataset) -> None:
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.images.dtype == np.uint8
        assert split.images.shape == (len(split), *dataset.image)
        assert split.labels.dtype == np.int64
        assert sorted(set(split.labels.tolist())) == list(range(dataset.classes))


def test_mean_and_std_are_those_of_the_training_pixels(dataset: Dataset) -> None:
    sample = dataset.train.images[:2000] / 255
    assert dataset.mean == pytest.approx(sample.mean(axis=(0, 2, 3)), abs=0.02)
    assert dataset.std == pytest.approx(sample.std(axis=(0, 2, 3)), abs=0.02)


def test_validation_is_as_balanced_as_it_can_be(dataset: Dataset) -> None:
    counts = np.bincount(dataset.validation.labels)
    assert counts.max() - counts.min() <= 1
