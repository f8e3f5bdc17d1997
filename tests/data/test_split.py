"""Splits and subsets are disjoint, balanced, nested and the same everywhere."""

import numpy as np
import pytest

from frontier.data import digits
from frontier.data._dataset import Dataset, Split
from frontier.data._split import balanced_order
from frontier.errors import InputError


@pytest.fixture(scope="module")
def loaded() -> Dataset:
    return digits.load(None)


def _rows(split: Split) -> set[bytes]:
    return {image.tobytes() + label.tobytes() for image, label in zip(split.images, split.labels, strict=True)}


def test_order_is_a_permutation_whose_every_prefix_is_balanced() -> None:
    labels = np.repeat(np.arange(4), (9, 9, 3, 9))
    order = balanced_order(labels, seed=3)
    assert sorted(order.tolist()) == list(range(30))
    for n in range(1, 13):
        counts = np.bincount(labels[order[:n]], minlength=4)
        assert counts.max() - counts.min() <= 1
    assert np.bincount(labels[order[:15]]).tolist() == [4, 4, 3, 4]


def test_order_is_the_same_on_every_machine() -> None:
    assert balanced_order(np.arange(12) % 3, seed=0).tolist() == [11, 3, 1, 2, 6, 7, 8, 0, 4, 10, 5, 9]


def test_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="seed of 0 or more"):
        balanced_order(np.zeros(3, dtype=np.int64), seed=-1)


def test_digits_split_is_1077_360_360_and_covers_all_images(loaded: Dataset) -> None:
    assert (len(loaded.train), len(loaded.validation), len(loaded.test)) == (1077, 360, 360)
    assert np.bincount(loaded.validation.labels).tolist() == [36] * 10
    assert np.bincount(loaded.test.labels).tolist() == [36] * 10
    splits = [_rows(split) for split in (loaded.train, loaded.validation, loaded.test)]
    assert len(set.union(*splits)) == sum(map(len, splits)) == 1797


def test_digits_greys_span_0_to_255_in_17_steps(loaded: Dataset) -> None:
    assert np.unique(loaded.train.images).tolist() == [round(grey * 255 / 16) for grey in range(17)]


def test_digits_split_never_changes(loaded: Dataset) -> None:
    again = digits.load(None)
    assert np.array_equal(again.train.images, loaded.train.images)
    assert loaded.validation.labels[:20].tolist() == [2, 3, 1, 3, 5, 0, 1, 5, 0, 8, 0, 3, 3, 6, 9, 6, 9, 8, 7, 4]


def test_subset_is_balanced_seeded_and_nested(loaded: Dataset) -> None:
    small, large = loaded.subset("train", 25, 1), loaded.subset("train", 100, 1)
    counts = np.bincount(small.labels, minlength=10)
    assert counts.max() - counts.min() == 1
    assert np.bincount(large.labels).tolist() == [10] * 10
    assert _rows(small) < _rows(large)
    assert np.array_equal(small.images, loaded.subset("train", 25, 1).images)
    assert not np.array_equal(small.images, loaded.subset("train", 25, 2).images)


@pytest.mark.parametrize("n", [None, 360, 5000])
def test_subset_of_everything_is_the_split_itself(loaded: Dataset, n: int | None) -> None:
    assert loaded.subset("test", n, 0) is loaded.test


def test_wrong_subsets_are_refused(loaded: Dataset) -> None:
    with pytest.raises(InputError, match="Did you mean 'validation'"):
        loaded.subset("validaton", 10, 0)
    with pytest.raises(InputError, match="at least 1 image"):
        loaded.subset("train", 0, 0)
