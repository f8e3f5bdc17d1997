"""A record names the corrupted images that it was measured on; the official files are a measure of their own."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from frontier.data._dataset import Dataset, Split
from frontier.errors import InputError
from frontier.results.migrate import read_record
from frontier.results.record import Scores
from frontier.results.spec import MeasureSpec, TrialSpec
from frontier.trial.check import check
from frontier.trial.evaluate import Corruptions, cells
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


# Images of one grey level each. Labels are not in balance, so that every way to take the wrong images, or images with
# the labels of others, gives another accuracy.
BLACK, DARK, MIDDLE, BRIGHT = 0, 30, 110, 200
TEST = {(DARK, 0): 12, (DARK, 3): 4, (MIDDLE, 0): 8, (BRIGHT, 1): 10, (BRIGHT, 3): 6}
VALIDATION = {(DARK, 0): 6, (MIDDLE, 0): 2, (BRIGHT, 1): 16, (BRIGHT, 2): 16}


def grey(counts: dict[tuple[int, int], int]) -> Split:
    """So many images of each (level, label)."""
    levels, labels = np.repeat(list(counts), list(counts.values()), axis=0).T
    return Split(np.tile(levels.astype(np.uint8)[:, None, None, None], (1, 3, 32, 32)), labels)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """CIFAR-10, made small, whose official files are black, and dark at severity 5."""
    test, validation = grey(TEST), grey(VALIDATION)
    dataset = Dataset.of("cifar10", 10, train=test, validation=validation, test=test)
    monkeypatch.setattr("frontier.trial.source._dataset", lambda *_: dataset)
    folder = tmp_path / "CIFAR-10-C"
    folder.mkdir()
    files = [np.full((n, 32, 32, 3), level, dtype=np.uint8) for n, level in ((4 * N, BLACK), (N, DARK))]
    np.save(folder / "brightness.npy", np.concatenate(files))
    np.save(folder / "labels.npy", np.tile(test.labels, 5))
    return Source("cifar10", tmp_path, home=tmp_path / "home")


class ByBrightness(torch.nn.Module):
    """Says class 3 of what is black, 1 of what is brighter than half, 0 of everything else."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        mean = pixels.flatten(1).mean(1)
        said = torch.where(mean == 0, 3, (mean > 0.5).long())
        return torch.nn.functional.one_hot(said, 10) + 0 * pixels.flatten(1)[:, :10]


def context() -> SimpleNamespace:
    return SimpleNamespace(device=torch.device("cpu"), check=lambda: None, log=lambda line: None)


MEASURE = MeasureSpec(corruptions=("brightness",), severities=(1, 5), official=True, attack_steps=1, attack_images=5)


def corrupted_parts(found: Scores) -> dict[str, tuple[float, int]]:
    return {key: (part.value, part.n) for key, part in found.parts.items() if "brightness" in key}


def test_official_files_are_measured_on_test_beside_the_regenerated_ones(source: Source) -> None:
    """At severity 5, 77 levels more, what is in the middle counts as bright: of TEST 12 + 10 are right."""
    test = scores(ByBrightness(), source, "test", MEASURE, context())
    assert (test.clean.value, test.clean.n) == (30 / N, N)
    assert corrupted_parts(test) == {
        "brightness/1": (30 / N, N),
        "brightness/5": (22 / N, N),
        "official/brightness/1": (10 / N, N),
        "official/brightness/5": (20 / N, N),
    }
    assert test.corrupted_official is not None
    assert (test.corrupted.value, test.corrupted.n) == (pytest.approx(26 / N), N)
    assert (test.corrupted_official.value, test.corrupted_official.n) == (pytest.approx(15 / N), N)


def test_the_search_is_led_by_the_validation_images_and_never_by_official_files(source: Source) -> None:
    found = scores(ByBrightness(), source, "validation", MEASURE, context())
    assert (found.clean.value, found.clean.n) == (24 / N, N)
    assert corrupted_parts(found) == {"brightness/1": (24 / N, N), "brightness/5": (22 / N, N)}
    assert found.corrupted.value == pytest.approx(23 / N)
    assert found.corrupted_official is None


def test_sets_are_told_apart_by_label_and_hash(source: Source) -> None:
    sets = source.corruption_sets(MEASURE)
    assert {split: named.label for split, named in sets.items()} == {
        "validation": "CIFAR-10-C-style (regenerated)",
        "test": "CIFAR-10-C-style (regenerated)",
        "official": "CIFAR-10-C (official files)",
    }
    assert len({named.hash for named in sets.values()}) == 3


@pytest.mark.parametrize(("official", "right"), [(False, [30, 22, 22, 22, 22]), (True, [10, 10, 10, 10, 20])])
def test_an_evaluation_measures_every_severity_of_the_files_that_were_asked_for(
    source: Source, official: bool, right: list[int]
) -> None:
    asked = Corruptions("some", "hash", ("brightness",), official)
    found = cells(ByBrightness(), source, asked, N, torch.device("cpu"), lambda step: None)
    assert {key: part.value for key, part in found.items()} == {
        f"brightness/{severity}": count / N for severity, count in enumerate(right, start=1)
    }


@pytest.mark.parametrize("official", [False, True])
@pytest.mark.parametrize("n", [7, 20])
def test_an_evaluation_is_on_as_many_images_as_were_asked_for(source: Source, official: bool, n: int) -> None:
    asked = Corruptions("some", "hash", ("brightness",), official)
    assert asked.measure(n).corrupted_images == n
    found = cells(ByBrightness(), source, asked, n, torch.device("cpu"), lambda step: None)
    assert {part.n for part in found.values()} == {n}


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
        source.ready(MeasureSpec(corruptions=("brightness", "fog"), official=True))
