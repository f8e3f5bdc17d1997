"""Corrupted splits: made once, in the official layout, verified, shared by processes, and never half there."""

import errno
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from frontier import registry
from frontier.corruptions import _arrays, _make, _sets
from frontier.corruptions._apply import apply
from frontier.corruptions._code import code_of
from frontier.corruptions._make import Watch
from frontier.corruptions._place import About, CorruptedSplit, label_of
from frontier.data._dataset import Split
from frontier.errors import BlockedError, InputError
from frontier.leases import held
from frontier.results.spec import DataSpec
from frontier.trial.source import Source

N = 7


@pytest.fixture
def clean() -> Split:
    rng = np.random.default_rng(0)
    return Split(rng.integers(0, 256, (N, 3, 8, 6), dtype=np.uint8), np.arange(N) % 3)


@pytest.fixture
def kept(clean: Split, tmp_path: Path) -> CorruptedSplit:
    return CorruptedSplit.under(tmp_path, DataSpec(name="pets"), "test", clean, 0)


def names(kept: CorruptedSplit) -> set[str]:
    return {path.name for path in kept.folder.iterdir() if path.suffix != ".lock"}


def told(kept: CorruptedSplit, corruption: str = "gaussian_noise") -> list[str]:
    """What is said while a corruption is asked for."""
    lines: list[str] = []
    _sets.obtain(kept, corruption, Watch(tell=lambda line: lines.append(line.rpartition(": ")[2])))
    return lines


# what is written


def test_files_are_in_the_official_layout_severity_after_severity(kept: CorruptedSplit, clean: Split) -> None:
    sha256 = _sets.obtain(kept, "gaussian_noise")
    images = np.load(kept.file("gaussian_noise"))
    assert (images.dtype, images.shape) == (np.uint8, (5 * N, 8, 6, 3))
    for severity in range(1, 6):
        block = images[(severity - 1) * N : severity * N].transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(block, apply("gaussian_noise", clean.images, severity, 0))
    np.testing.assert_array_equal(np.load(kept.folder / "labels.npy"), list(clean.labels) * 5)
    about = About.model_validate_json((kept.folder / "gaussian_noise.json").read_bytes())
    assert about.hash == sha256 == _arrays.sha256_of(kept.file("gaussian_noise"))
    assert (about.label, about.split, about.images, about.seed) == (kept.label, "test", N, 0)
    assert about.code == code_of("gaussian_noise")
    assert about.libraries["numpy"] == np.__version__
    assert names(kept) == {"labels.npy", "gaussian_noise.npy", "gaussian_noise.json"}


def test_more_images_than_are_written_at_once_are_all_written(
    kept: CorruptedSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _sets.obtain(kept, "contrast")
    kept.file("contrast").unlink()
    monkeypatch.setattr(_make, "BLOCK", 3)
    assert _sets.obtain(kept, "contrast") == whole


@pytest.mark.parametrize(
    ("data", "label"),
    [
        ("cifar10", "CIFAR-10-C-style (regenerated)"),
        ("cifar100", "CIFAR-100-C-style (regenerated)"),
        ("digits", "common corruptions on digits, scaled rules (not CIFAR-C)"),
        ("image_folder", "common corruptions on image_folder, scaled rules (not CIFAR-C)"),
    ],
)
def test_only_what_is_made_of_cifar_is_called_after_it_and_never_by_its_name(data: str, label: str) -> None:
    assert label_of(data) == label


def test_a_folder_belongs_to_data_split_seed_and_images(kept: CorruptedSplit, clean: Split, tmp_path: Path) -> None:
    def folder(data: DataSpec | None = None, split: str = "test", images: Split = clean, seed: int = 0) -> Path:
        return CorruptedSplit.under(tmp_path, data or DataSpec(name="pets"), split, images, seed).folder

    assert folder(DataSpec(name="pets", train_images=5)) == folder() == kept.folder
    assert kept.folder.parent == tmp_path / "corruptions"
    assert kept.folder.name.startswith("pets-test-")
    others = [
        folder(DataSpec(name="pets", options={"size": 8})),
        folder(split="validation"),
        folder(seed=1),
        folder(images=Split(clean.images[::-1], clean.labels)),
        folder(images=Split(clean.images, clean.labels[::-1])),
    ]
    assert len({kept.folder, *others}) == 6


# the code that made it


def test_code_is_the_corruption_and_every_shared_part_that_it_imports() -> None:
    assert set(code_of("gaussian_noise")) == {"gaussian_noise", "_apply", "_pixels"}
    assert set(code_of("posterize")) >= {"posterize", "_apply"}
    for corruption in registry.names("corruption"):
        module = registry.load("corruption", corruption)
        assert code_of(corruption)[corruption] == registry.fingerprint(module)


def test_what_other_code_made_is_made_again(kept: CorruptedSplit) -> None:
    sha256 = _sets.obtain(kept, "gaussian_noise")
    path = kept.folder / "gaussian_noise.json"
    about = json.loads(path.read_text())
    about["code"]["_pixels"] = "0" * 16
    path.write_text(json.dumps(about))
    assert told(kept) == ["made by other code; making it again"]
    assert told(kept) == []
    assert _sets.obtain(kept, "gaussian_noise") == sha256


# made once


def test_what_is_there_is_not_made_again(kept: CorruptedSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(kept) == ["making it"]
    monkeypatch.setattr(_make, "apply", None)
    _arrays._sha256.cache_clear()  # as in another process
    assert told(kept) == []
    assert _sets.rows(kept, "gaussian_noise", 3, np.array([1, 4])).shape == (2, 3, 8, 6)


def test_a_finished_file_is_read_once_a_process_to_verify_it(kept: CorruptedSplit) -> None:
    _sets.obtain(kept, "contrast")
    _arrays._sha256.cache_clear()
    for severity in (1, 2, 3):
        _sets.rows(kept, "contrast", severity, np.arange(N))
    assert _arrays._sha256.cache_info().misses == 1


def test_who_comes_second_waits_and_then_makes_what_the_first_left_undone(kept: CorruptedSplit) -> None:
    kept.folder.mkdir(parents=True)
    lines: list[str] = []
    waits = threading.Event()

    def tell(line: str) -> None:
        lines.append(line.rpartition(": ")[2])
        waits.set()

    with held(kept.folder, "contrast"):
        second = threading.Thread(target=_sets.obtain, args=(kept, "contrast", Watch(tell=tell)))
        second.start()
        assert waits.wait(60)
    second.join(60)
    assert lines == ["another process makes it; waiting", "making it"]
    assert kept.file("contrast").is_file()


def test_waiting_stops_when_the_trial_does(kept: CorruptedSplit) -> None:
    kept.folder.mkdir(parents=True)

    def stop() -> None:
        raise InterruptedError

    with held(kept.folder, "contrast"), pytest.raises(InterruptedError):
        _sets.obtain(kept, "contrast", Watch(check=stop))


ASKING = """
import sys
from pathlib import Path
from frontier.corruptions._make import Watch
from frontier.trial.source import Source
source = Source("digits", None, home=Path(sys.argv[1]))
print(source.corruption_set("test", ["shot_noise", "pixelate"], Watch(tell=lambda line: print(line))).hash)
"""


def test_of_two_processes_one_makes_each_corruption_and_both_get_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASKING, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert "".join(said).count("making it") == 2
    assert said[0].splitlines()[-1] == said[1].splitlines()[-1]


# damage


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (damaged, "damaged: its SHA-256 is not the one it was written with; making it again"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "damaged: its SHA-256"),
        (lambda path: path.write_bytes(b""), "damaged: its SHA-256"),
        (lambda path: path.unlink(), "making it"),
        (lambda path: path.with_suffix(".json").unlink(), "making it"),
        (lambda path: path.with_suffix(".json").write_text("{"), "its .json cannot be read; making it again"),
    ],
)
def test_what_is_damaged_is_made_again_and_told(kept: CorruptedSplit, spoil: object, says: str) -> None:
    sha256 = _sets.obtain(kept, "gaussian_noise")
    assert callable(spoil)
    spoil(kept.file("gaussian_noise"))
    lines: list[str] = []
    assert _sets.obtain(kept, "gaussian_noise", Watch(tell=lines.append)) == sha256
    (line,) = lines
    assert line.startswith(f"{kept.file('gaussian_noise')}: {says}")


def test_a_disk_that_gives_back_other_bytes_is_told_of(kept: CorruptedSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sets, "sha256_of", lambda path: "0" * 64)
    with pytest.raises(BlockedError, match="reads back other than it was written"):
        _sets.obtain(kept, "contrast")


def test_what_stops_in_the_middle_leaves_no_file_under_its_name(kept: CorruptedSplit) -> None:
    done: list[int] = []

    def check() -> None:
        if len(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _sets.obtain(kept, "gaussian_noise", Watch(check=check, step=done.append))
    assert names(kept) == {"labels.npy"}
    assert done == [N, N]


def test_what_a_killed_process_left_is_removed(kept: CorruptedSplit) -> None:
    kept.folder.mkdir(parents=True)
    (kept.folder / ".gaussian_noise.npy.0123.tmp").write_bytes(b"half")
    _sets.obtain(kept, "gaussian_noise")
    assert names(kept) == {"labels.npy", "gaussian_noise.npy", "gaussian_noise.json"}


# refused before anything is written


def test_a_full_disk_is_told_before_anything_is_written(kept: CorruptedSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "shutil.disk_usage", lambda folder: SimpleNamespace(free=_make.SPARE_BYTES + kept.bytes_each - 1)
    )
    with pytest.raises(BlockedError, match=r"needed: .* GB(.|\n)*free: .* GB(.|\n)*--home"):
        _sets.obtain(kept, "gaussian_noise")
    assert names(kept) == set()


def test_a_disk_that_fills_up_leaves_nothing(kept: CorruptedSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    kept.folder.mkdir(parents=True)
    with pytest.raises(BlockedError, match=r"gaussian_noise.npy: cannot write corrupted images \(No space left"):
        _sets.obtain(kept, "gaussian_noise")
    assert names(kept) == set()


def test_bad_input_writes_nothing(kept: CorruptedSplit, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown corruption 'gausian_noise'"):
        _sets.obtain(kept, "gausian_noise")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    source = Source("digits", None, home=tmp_path / "file")
    with pytest.raises(InputError, match="cannot write to the folder"):
        source.corrupted("test", 5, "contrast", 3)
    source = Source("digits", None, home=tmp_path)
    with pytest.raises(InputError, match="unknown split 'tset'"):
        source.corrupted("tset", 5, "contrast", 3)
    for severity in (0, 6):
        with pytest.raises(InputError, match="unknown severity"):
            source.corrupted("test", 5, "contrast", severity)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# what is read


def test_files_are_mapped_read_only_and_the_rows_are_copies(kept: CorruptedSplit) -> None:
    rows = _sets.rows(kept, "contrast", 2, np.array([6, 0]))
    images = _arrays.mapped(kept.file("contrast"))
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable
    assert type(rows) is np.ndarray
    assert rows.base is None or type(rows.base) is np.ndarray
    np.testing.assert_array_equal(rows, images[[N + 6, N]].transpose(0, 3, 1, 2))
    assert rows.flags.c_contiguous


@pytest.mark.parametrize("corruption", ["shot_noise", "posterize"])
def test_a_subset_is_rows_of_the_whole_and_goes_with_the_clean_images(tmp_path: Path, corruption: str) -> None:
    source = Source("digits", None, home=tmp_path)
    whole, some = (source.corrupted("validation", count, corruption, 4) for count in (None, 50))
    chosen = source.dataset().chosen("validation", 50, 0)
    np.testing.assert_array_equal(some.images, whole.images[chosen])
    clean = source.images("validation", 50)
    np.testing.assert_array_equal(some.labels, clean.labels)
    np.testing.assert_array_equal(clean.images, source.dataset().validation.images[chosen])
    np.testing.assert_array_equal(source.images("validation", None).labels, whole.labels)
    assert len(whole) == 360


def test_with_a_home_and_without_one_the_images_are_the_same(tmp_path: Path) -> None:
    kept, in_memory = (
        Source("digits", None, home=home).corrupted("test", 40, "gaussian_noise", 2) for home in (tmp_path, None)
    )
    np.testing.assert_array_equal(kept.images, in_memory.images)
    np.testing.assert_array_equal(kept.labels, in_memory.labels)
    with pytest.raises(InputError, match="has none"):
        Source("digits", None).corruption_set("test", ["contrast"])


def test_a_set_is_named_by_the_files_that_are_used(tmp_path: Path) -> None:
    source = Source("digits", None, home=tmp_path)
    one, both = source.corruption_set("test", ["contrast"]), source.corruption_set("test", ["contrast", "pixelate"])
    assert one.label == both.label == "common corruptions on digits, scaled rules (not CIFAR-C)"
    assert one.hash != both.hash
    assert source.corruption_set("test", ["pixelate", "contrast"]) == both
    assert source.corruption_set("validation", ["contrast"]).hash != one.hash
