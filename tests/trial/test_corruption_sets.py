"""A record names the corrupted images that it was measured on; the official files are a measure of their own."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from frontier.data._dataset import Dataset, Split
from frontier.errors import InputError
from frontier.results.migrate import read_record
from frontier.results.spec import MeasureSpec, TrialSpec
from frontier.trial.check import check
from frontier.trial.measure import scores
from frontier.trial.run import run
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source

N = 40


def test_a_trial_writes_label_and_hash_of_its_sets_into_its_record(spec: TrialSpec, tmp_path: Path) -> None:
    runtime = Runtime(home=tmp_path / "home")
    record = run(spec, tmp_path / "trial", runtime)
    assert read_record((tmp_path / "trial/record.json").read_bytes(), where="record") == record
    assert set(record.corruption_sets) == {"validation", "test"}
    source = Source("digits", None, home=runtime.home)
    for split, named in record.corruption_sets.items():
        assert named.label == "common corruptions on digits, scaled rules (not CIFAR-C)"
        assert named == source.corruption_set(split, spec.measure.corruptions)
    log = (tmp_path / "trial/log.txt").read_text()
    assert log.count("gaussian_noise.npy: making it") == 2
    run(spec.model_copy(update={"relu_budget": 9}), tmp_path / "second", runtime)
    assert "making it" not in (tmp_path / "second/log.txt").read_text()


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """CIFAR-10, made small, whose official files are black images: another accuracy than on our own."""
    rng = np.random.default_rng(0)
    labels = np.arange(N) % 10
    split = Split(rng.integers(0, 256, (N, 3, 32, 32), dtype=np.uint8), labels)
    other = Split(split.images[::-1].copy(), labels)
    monkeypatch.setattr(
        "frontier.trial.source._dataset",
        lambda *_: Dataset.of("cifar10", 10, train=split, validation=other, test=split),
    )
    folder = tmp_path / "CIFAR-10-C"
    folder.mkdir()
    np.save(folder / "contrast.npy", np.zeros((5 * N, 32, 32, 3), dtype=np.uint8))
    np.save(folder / "labels.npy", np.tile(labels, 5))
    return Source("cifar10", tmp_path, home=tmp_path / "home")


class Constant(torch.nn.Module):
    """Says class 3 of everything that is black, class 0 of everything else."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        black = pixels.flatten(1).sum(1) == 0
        return torch.nn.functional.one_hot(torch.where(black, 3, 0), 10) + 0 * pixels.flatten(1)[:, :10]


def context() -> SimpleNamespace:
    return SimpleNamespace(device=torch.device("cpu"), check=lambda: None, log=lambda line: None)


def test_official_files_are_measured_on_test_beside_the_regenerated_ones(source: Source) -> None:
    measure = MeasureSpec(corruptions=("contrast",), severities=(1, 5), official=True, attack_steps=1, attack_images=5)
    found = {split: scores(Constant(), source, split, measure, context()) for split in ("validation", "test")}
    assert found["validation"].corrupted_official is None
    assert not any("official" in part for part in found["validation"].parts)
    test = found["test"]
    assert test.corrupted_official is not None
    assert (test.corrupted_official.value, test.corrupted_official.n) == (0.1, N)
    assert {part: m.n for part, m in test.parts.items() if "official" in part} == {
        "official/contrast/1": N,
        "official/contrast/5": N,
    }
    sets = source.corruption_sets(measure)
    assert {split: named.label for split, named in sets.items()} == {
        "validation": "CIFAR-10-C-style (regenerated)",
        "test": "CIFAR-10-C-style (regenerated)",
        "official": "CIFAR-10-C (official files)",
    }
    assert len({named.hash for named in sets.values()}) == 3


def test_official_files_are_refused_before_training_where_there_are_none(spec: TrialSpec, tmp_path: Path) -> None:
    measure = spec.measure.model_copy(update={"official": True})
    asked = spec.model_copy(update={"measure": measure})
    with pytest.raises(InputError, match="'digits' has no official corrupted images"):
        check(asked)
    with pytest.raises(InputError, match="'digits' has no official corrupted images"):
        run(asked, tmp_path / "trial", Runtime(home=tmp_path / "home"))
    assert list(tmp_path.iterdir()) == []


def test_a_measurement_is_not_begun_without_the_files(source: Source) -> None:
    with pytest.raises(InputError, match=r"missing fog\.npy"):
        source.ready(MeasureSpec(corruptions=("contrast", "fog"), official=True))
