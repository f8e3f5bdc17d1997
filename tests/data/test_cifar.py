"""The CIFAR reader on a tiny archive of the original layout: right, missing, damaged, malicious."""

import hashlib
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frontier.data import _cifar, _download, cifar10, cifar100
from frontier.errors import BlockedError, InputError


class Malicious:
    """Unpickled without care, this would write a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.target,))


def _batch(images: int, seed: int) -> bytes:
    """A pickle as the original one: bytes keys, and NumPy's names of before version 2."""
    rng = np.random.default_rng(seed)
    fields = {
        b"data": rng.integers(0, 256, (images, 3072), dtype=np.uint8),
        b"labels": [i % 2 for i in range(images)],
    }
    return pickle.dumps(fields, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def _write(root: Path, contents: dict[str, bytes]) -> _cifar.Archive:
    """The files under `root/tiny`, and the archive that knows their MD5 sums; `test` is the test file."""
    (root / "tiny").mkdir()
    for name, content in contents.items():
        (root / "tiny" / name).write_bytes(content)
    sums = {name: hashlib.md5(content, usedforsecurity=False).hexdigest() for name, content in contents.items()}
    test = {"test": sums.pop("test")}
    return _cifar.Archive("tiny", 2, "tiny", sums, test, b"labels", "CIFAR10", validation=4)


@pytest.fixture
def archive(tmp_path: Path) -> _cifar.Archive:
    return _write(tmp_path, {"one": _batch(8, 1), "two": _batch(6, 2), "test": _batch(4, 3)})


def test_reads_files_in_order_and_holds_out_a_balanced_validation_split(
    archive: _cifar.Archive, tmp_path: Path
) -> None:
    dataset = _cifar.load(archive, tmp_path, download=False)
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [10, 4, 4]
    assert np.bincount(dataset.validation.labels).tolist() == [2, 2]
    written = pickle.loads(_batch(4, 3))[b"data"]  # noqa: S301 - our own bytes
    assert np.array_equal(dataset.test.images, written.reshape(4, 3, 32, 32))
    assert dataset.test.labels.tolist() == [0, 1, 0, 1]


def test_missing_file_names_it_the_folder_and_the_cure(archive: _cifar.Archive, tmp_path: Path) -> None:
    (tmp_path / "tiny" / "two").unlink()
    with pytest.raises(InputError, match=r"(?s)tiny: .*missing two.*--data or FRONTIER_DATA.*--download"):
        _cifar.load(archive, tmp_path, download=False)


@pytest.mark.parametrize("module", [cifar10, cifar100])
def test_an_empty_folder_is_blocked(module: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=module.ARCHIVE.folder):
        module.load(tmp_path)


def test_no_folder_means_the_cache_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    with pytest.raises(InputError, match=str(tmp_path / ".cache" / "frontier" / "cifar-10-batches-py")):
        cifar10.load(None)


def test_truncated_file_is_refused_with_both_sums(archive: _cifar.Archive, tmp_path: Path) -> None:
    path = tmp_path / "tiny" / "one"
    path.write_bytes(path.read_bytes()[:-100])
    found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    with pytest.raises(InputError) as error:
        _cifar.load(archive, tmp_path, download=False)
    assert str(path) in str(error.value)
    assert archive.train["one"] in str(error.value)
    assert found in str(error.value)


def test_malicious_pickle_is_refused_even_when_its_sum_is_right(tmp_path: Path) -> None:
    target = tmp_path / "written"
    archive = _write(tmp_path, {"one": pickle.dumps(Malicious(target), protocol=2), "test": _batch(4, 3)})
    with pytest.raises(InputError, match="refused: the pickle asks for"):
        _cifar.load(archive, tmp_path, download=False)
    assert not target.exists()


def test_torn_pickle_is_refused_even_when_its_sum_is_right(tmp_path: Path) -> None:
    archive = _write(tmp_path, {"one": _batch(4, 1)[:-100], "test": _batch(4, 3)})
    with pytest.raises(InputError, match="refused"):
        _cifar.load(archive, tmp_path, download=False)


def test_download_asks_torchvision_and_moves_only_what_is_needed(
    archive: _cifar.Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchvision.datasets.utils as torchvision_utils

    asked: list[str] = []

    def unpack(url: str, landing: str, *, filename: str, md5: str) -> None:
        asked.append(filename)
        (Path(landing) / "tiny").mkdir()
        for file in ("one", "two", "test", "readme.html"):
            source = tmp_path / "tiny" / file
            (Path(landing) / "tiny" / file).write_bytes(source.read_bytes() if source.exists() else b"")

    monkeypatch.setattr(torchvision_utils, "download_and_extract_archive", unpack)
    home = tmp_path / "elsewhere"
    _cifar.load(archive, home, download=True)
    _cifar.load(archive, home, download=True)
    assert asked == ["cifar-10-python.tar.gz"]
    assert sorted(path.name for path in (home / "tiny").iterdir()) == ["one", "test", "two"]


def test_failed_download_is_blocked_and_names_the_archive(
    archive: _cifar.Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torchvision.datasets.utils as torchvision_utils

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision_utils, "download_and_extract_archive", offline)
    with pytest.raises(BlockedError, match=r"(?s)no route to host.*cifar-10-python\.tar\.gz"):
        _cifar.load(archive, tmp_path / "elsewhere", download=True)


def test_download_without_torchvision_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(BlockedError, match="pip install torchvision"):
        _download.fetch("tiny", "CIFAR10", tmp_path, [Path("tiny/one")])


def test_published_sums_are_those_of_torchvision() -> None:
    import torchvision.datasets as published

    for archive in (cifar10.ARCHIVE, cifar100.ARCHIVE):
        source = getattr(published, archive.source)
        assert archive.folder == source.base_folder
        assert dict(archive.train) == dict(source.train_list)
        assert dict(archive.test) == dict(source.test_list)
