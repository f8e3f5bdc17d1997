"""Rungs of a trial: measured at shares of its finetuning, kept in files, and told to the study's pruner."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from frontier.results.rung import Rung, rung_of, rungs_beside, write_rung
from frontier.results.spec import Scalar, TrialSpec
from frontier.trial import climb
from frontier.trial.climb import levels
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

FOUR_EPOCHS = {"epochs": 4}


@pytest.fixture
def longer(spec: TrialSpec) -> TrialSpec:
    return spec.model_copy(update={"finetune": spec.finetune.model_copy(update=FOUR_EPOCHS)})


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(home=tmp_path / "home", pruner="stratified")


@pytest.fixture
def ruled(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Rung, Sequence[Rung]], str | None]], None]:
    """Puts another rule, of two rungs at a quarter and a half, in the pruner's place."""

    def put(stops: Callable[[Rung, Sequence[Rung]], str | None]) -> None:
        rule = SimpleNamespace(REDUCTION=2, GRACE=0.25, stops=stops)
        monkeypatch.setattr(climb, "registry", SimpleNamespace(load=lambda axis, name: rule))

    return put


@pytest.mark.parametrize(
    ("epochs", "reduction", "grace", "found"),
    [
        (27, 3, 1 / 9, {9: 1, 3: 2}),
        (16, 2, 1 / 9, {8: 1, 4: 2, 2: 3}),
        (5, 2, 1 / 9, {2: 1, 1: 2}),
        (2, 2, 1 / 9, {1: 1}),
        (1, 2, 1 / 9, {}),
        (0, 2, 1 / 9, {}),
    ],
)
def test_rungs_lie_at_shares_of_the_epochs(epochs: int, reduction: int, grace: float, found: dict[int, int]) -> None:
    assert levels(epochs, reduction, grace) == found


def test_a_trial_that_is_not_stopped_finds_what_it_finds_without_rungs(
    longer: TrialSpec, runtime: Runtime, tmp_path: Path
) -> None:
    climbed = run(longer, tmp_path / "study" / "0", runtime)
    alone = run(longer, tmp_path / "alone", Runtime(home=runtime.home))
    assert climbed.comparable() == alone.comparable()
    for weights in ("study/0", "alone"):
        assert (tmp_path / weights / "weights.safetensors").is_file()
    assert (tmp_path / "study/0/weights.safetensors").read_bytes() == (
        tmp_path / "alone/weights.safetensors"
    ).read_bytes()
    first = rung_of(tmp_path / "study" / "0", 2)
    assert first is not None
    assert (first.relu_count, first.stopped) == (40, None)
    assert not list((tmp_path / "alone").glob("rung-*"))


def test_a_trial_that_is_stopped_is_pruned_with_the_reason_and_without_points(
    longer: TrialSpec, runtime: Runtime, tmp_path: Path, ruled: Callable[..., None]
) -> None:
    ruled(lambda mine, others: "it stood last" if mine.level == 1 else None)
    record = run(longer, tmp_path / "0", runtime, trial=0)
    assert (record.state, record.points) == ("pruned", ())
    assert record.reason == "after 2 of 4 epochs it stood last"
    assert "rung after 1 of 4 epochs" in (tmp_path / "0" / "log.txt").read_text()
    assert {path.name for path in (tmp_path / "0").iterdir()} == {
        "spec.json", "record.json", "log.txt", "rung-1.json", "rung-2.json"
    }  # fmt: skip


def test_a_rung_knows_those_of_the_others_at_its_level(
    longer: TrialSpec, runtime: Runtime, tmp_path: Path, ruled: Callable[..., None]
) -> None:
    seen: list[int] = []
    ruled(lambda mine, others: seen.append(len(others)))
    for trial in range(3):
        run(longer, tmp_path / "trials" / str(trial), runtime)
    assert seen == [0, 0, 1, 1, 2, 2]


def test_what_a_rung_said_it_says_again_after_a_crash(
    longer: TrialSpec, runtime: Runtime, tmp_path: Path, ruled: Callable[..., None]
) -> None:
    """The record was not written, but the rung was: the trial is not measured there again, and ends as it had to."""
    said = Rung(level=2, relu_count=40, clean=0.5, corrupted=0.4, adversarial=0.1, stopped="it stood last")
    (tmp_path / "0").mkdir()
    write_rung(tmp_path / "0", said)
    ruled(lambda mine, others: pytest.fail("asked again"))
    record = run(longer, tmp_path / "0", runtime)
    assert (record.state, record.reason) == ("pruned", "after 1 of 4 epochs it stood last")


def test_a_rung_that_cannot_be_read_is_nobody_s(tmp_path: Path) -> None:
    whole = Rung(level=1, relu_count=3, clean=0.5, corrupted=0.4, adversarial=0.1)
    for name in "abc":
        (tmp_path / name).mkdir()
        write_rung(tmp_path / name, whole)
    (tmp_path / "b" / "rung-1.json").write_text("{")
    (tmp_path / "c" / "rung-1.json").write_text(json.dumps(whole.model_dump() | {"clean": 2}))
    assert list(rungs_beside(tmp_path / "d", 1)) == [whole]
    assert rung_of(tmp_path / "b", 1) is None


@pytest.mark.parametrize(
    ("method", "knobs"),
    [
        ("random", {}),
        ("autorep", {"epochs": 1, "batch": 50, "warmup_steps": 2, "score_lr": 0.05}),
        ("senet", {"mask_epochs": 1, "mask_batch": 50, "proxy_epochs": 1}),
        ("rlnet", {"epochs": 1, "batch": 100, "attack_steps": 1, "proxy_epochs": 1, "teacher_epochs": 1}),
    ],
)
def test_every_kind_of_finetuning_is_looked_at(
    longer: TrialSpec,
    runtime: Runtime,
    tmp_path: Path,
    ruled: Callable[..., None],
    method: str,
    knobs: dict[str, Scalar],
) -> None:
    ruled(lambda mine, others: "enough")
    record = run(longer.model_copy(update={"method": method, "knobs": knobs}), tmp_path / "0", runtime)
    assert (record.state, record.reason) == ("pruned", "after 1 of 4 epochs enough")
