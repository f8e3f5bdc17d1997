"""The official files: read as published, refused with a cure where they are anything else."""

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from frontier.corruptions import _arrays, _official
from frontier.data._dataset import Dataset, Split
from frontier.errors import InputError
from frontier.results.spec import MeasureSpec
from frontier.trial.source import Source

N = 20
NAMES = ("gaussian_noise", "fog")


@pytest.fixture
def tested() -> Split:
    rng = np.random.default_rng(1)
    return Split(rng.integers(0, 256, (N, 3, 32, 32), dtype=np.uint8), np.arange(N) % 10)


@pytest.fixture
def root(tested: Split, tmp_path: Path) -> Path:
    """A data folder with the official files of two corruptions, made small."""
    folder = tmp_path / "CIFAR-10-C"
    folder.mkdir()
    rng = np.random.default_rng(2)
    for name in NAMES:
        np.save(folder / f"{name}.npy", rng.integers(0, 256, (5 * N, 32, 32, 3), dtype=np.uint8))
    np.save(folder / "labels.npy", np.tile(tested.labels, 5).astype(np.uint8))
    return tmp_path


@pytest.fixture
def source(root: Path, tested: Split, monkeypatch: pytest.MonkeyPatch) -> Source:
    """CIFAR-10, made small."""
    train = Split(np.tile(tested.images, (2, 1, 1, 1)), np.tile(tested.labels, 2))
    dataset = Dataset.of("cifar10", 10, train=train, validation=tested, test=tested)
    monkeypatch.setattr("frontier.trial.source._dataset", lambda *_: dataset)
    return Source("cifar10", root, home=root / "home")


def test_images_are_those_of_the_subset_at_the_severity(source: Source, root: Path) -> None:
    whole = np.load(root / "CIFAR-10-C/fog.npy")
    chosen = source.dataset().chosen("test", 8, 0)
    for severity in (1, 3, 5):
        found = source.official(8, "fog", severity)
        expected = whole[(severity - 1) * N : severity * N][chosen].transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(found.images, expected)
        np.testing.assert_array_equal(found.labels, source.images("test", 8).labels)
    assert len(source.official(None, "fog", 1)) == N


def test_files_are_mapped_and_named_by_label_and_hash(source: Source, root: Path) -> None:
    assert isinstance(_arrays.mapped(root / "CIFAR-10-C/fog.npy"), np.memmap)
    both, one = source.corruption_set("official", NAMES), source.corruption_set("official", ["fog"])
    assert both.label == one.label == "CIFAR-10-C (official files)"
    assert both.hash != one.hash
    assert _official.label_of("cifar100") == "CIFAR-100-C (official files)"


def test_the_hash_is_that_of_what_the_files_hold(source: Source, root: Path) -> None:
    files = {name: root / f"CIFAR-10-C/{name}.npy" for name in NAMES}
    sha256 = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert _official.hashes("cifar10", root, NAMES) == sha256
    before = source.corruption_set("official", NAMES)
    np.save(files["fog"], np.load(files["fog"])[::-1])
    after = source.corruption_set("official", NAMES)
    assert after.label == before.label
    assert after.hash != before.hash


def test_a_measurement_with_official_files_is_ready_where_they_are(source: Source, root: Path) -> None:
    source.ready(MeasureSpec(corruptions=NAMES, official=True))
    source.ready(MeasureSpec(corruptions=("contrast",)))
    with pytest.raises(InputError, match=r"missing contrast\.npy"):
        source.ready(MeasureSpec(corruptions=(*NAMES, "contrast"), official=True))
    assert not (root / "home").exists()


def test_data_without_official_files_is_refused() -> None:
    with pytest.raises(InputError, match=r"'digits' has no official corrupted images(.|\n)*cifar10 or cifar100"):
        Source("digits", None).ready(MeasureSpec(corruptions=NAMES, official=True))


def shifted(labels: np.ndarray) -> np.ndarray:
    return np.concatenate([labels[:-1], [9 - labels[-1]]])


def archived(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, np.zeros(3))


Spoil = Callable[[Path], object]
CASES: list[tuple[str, Spoil, list[str]]] = [
    ("fog", lambda path: path.unlink(), ["missing fog.npy", "got: 2 .npy files", "unpack CIFAR-10-C into the data"]),
    ("labels", lambda path: path.unlink(), ["missing labels.npy", "corruptions: common"]),
    ("fog", lambda path: path.write_bytes(path.read_bytes()[:-100]), ["cannot be read", "uint8, shape (100, 32,"]),
    ("fog", lambda path: path.write_bytes(path.read_bytes()[:20]), ["cannot be read", "20 bytes"]),
    ("fog", lambda path: path.write_bytes(b""), ["cannot be read", "0 bytes", "unpack the archive again"]),
    ("fog", lambda path: path.write_text("<html>not found</html>"), ["cannot be read"]),
    ("fog", lambda path: path.write_bytes(pickle.dumps([1, 2])), ["cannot be read", "pickled"]),
    ("fog", lambda path: np.save(path, np.array([{}], object), allow_pickle=True), ["cannot be read", "object"]),
    ("labels", lambda path: np.save(path, np.array([{}], object), allow_pickle=True), ["cannot be read", "object"]),
    ("fog", archived, ["cannot be read", "an archive of several arrays"]),
    ("fog", lambda path: np.save(path, np.load(path)[:-1]), ["not the official file", "got: uint8, shape (99, 32"]),
    ("fog", lambda path: np.save(path, np.load(path).transpose(0, 3, 1, 2)), ["shape (100, 3, 32, 32)"]),
    ("fog", lambda path: np.save(path, np.load(path).astype(np.float32)), ["expected: uint8", "got: float32"]),
    ("labels", lambda path: np.save(path, np.load(path)[:-5]), ["not the official file", "(95,)", "shape (100,)"]),
    ("labels", lambda path: np.save(path, np.load(path) / 1), ["expected: whole numbers", "got: float64"]),
    ("labels", lambda path: np.save(path, shifted(np.load(path))), ["not those of the test split", "1 others", "99"]),
]


@pytest.mark.parametrize(("name", "spoil", "says"), CASES)
def test_what_is_not_as_published_is_refused_with_its_file_and_a_cure(
    root: Path, tested: Split, name: str, spoil: Spoil, says: list[str]
) -> None:
    spoil(root / "CIFAR-10-C" / f"{name}.npy")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    for refuse in (
        lambda: _official.check("cifar10", root, tested, NAMES),
        lambda: _official.rows("cifar10", root, tested, "fog", 1, np.arange(3)),
    ):
        with pytest.raises(InputError) as refused:
            refuse()
        assert str(root / "CIFAR-10-C") in str(refused.value)
        assert "to do: " in str(refused.value)
        for words in says:
            assert words in str(refused.value)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_missing_folder_is_told_with_what_belongs_there(tmp_path: Path, tested: Split) -> None:
    with pytest.raises(InputError, match=r"CIFAR-100-C: no such folder(.|\n)*labels\.npy(.|\n)*FRONTIER_DATA"):
        _official.check("cifar100", tmp_path, tested, NAMES)
