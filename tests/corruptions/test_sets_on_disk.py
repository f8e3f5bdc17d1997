"""The files of a split are made with its seed and named when they are on the disk, and its labels are beside them."""

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from frontier.corruptions import _sets
from frontier.corruptions._apply import SEVERITIES, apply
from frontier.corruptions._place import About, CorruptedSplit
from frontier.data._dataset import Split
from frontier.errors import BlockedError
from frontier.results.spec import DataSpec

N = 6
SEED = 3


@pytest.fixture
def clean() -> Split:
    return Split(np.random.default_rng(0).integers(0, 256, (N, 3, 8, 6), dtype=np.uint8), np.arange(N) % 3)


@pytest.fixture
def kept(clean: Split, tmp_path: Path) -> CorruptedSplit:
    return CorruptedSplit.under(tmp_path, DataSpec(name="pets"), "test", clean, SEED)


@pytest.mark.parametrize("corruption", ["gaussian_noise", "frost"])
def test_the_images_are_those_of_the_seed_and_no_others(kept: CorruptedSplit, clean: Split, corruption: str) -> None:
    for severity in SEVERITIES:
        found = _sets.rows(kept, corruption, severity, np.arange(N))
        np.testing.assert_array_equal(found, apply(corruption, clean.images, severity, SEED))
        assert not np.array_equal(found, apply(corruption, clean.images, severity, 0))
    assert About.model_validate_json((kept.folder / f"{corruption}.json").read_bytes()).seed == SEED


def _others(path: Path) -> None:
    np.save(path, np.load(path)[::-1])


@pytest.mark.parametrize("spoil", [_others, lambda path: path.write_bytes(b""), Path.unlink])
def test_labels_that_are_not_the_splits_are_written_again(
    kept: CorruptedSplit, clean: Split, spoil: Callable[[Path], object]
) -> None:
    _sets.hashes(kept, ["contrast"])
    labels = kept.folder / "labels.npy"
    for corruptions in (["contrast"], ["contrast", "pixelate"]):  # that are there, and one that is not yet
        spoil(labels)
        _sets.hashes(kept, corruptions)
        np.testing.assert_array_equal(np.load(labels), np.tile(clean.labels, len(SEVERITIES)))


def test_labels_that_are_right_are_left_alone(kept: CorruptedSplit) -> None:
    _sets.hashes(kept, ["contrast"])
    before = (kept.folder / "labels.npy").stat()
    _sets.hashes(kept, ["contrast", "pixelate"])
    after = (kept.folder / "labels.npy").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_has_its_name_only_when_it_is_on_the_disk(kept: CorruptedSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    _sets.hashes(kept, ["contrast"])
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BlockedError, match="No space left"):
        _sets.hashes(kept, ["contrast", "pixelate"])
    names = {path.name for path in kept.folder.iterdir() if path.suffix != ".lock"}
    assert names == {"labels.npy", "contrast.npy", "contrast.json"}
