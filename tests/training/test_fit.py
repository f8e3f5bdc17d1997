"""The loop: stops when asked, refuses NaN, and goes on from a checkpoint as if nothing had happened."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from frontier.errors import Cancelled, TrialFailed
from frontier.results.spec import Recipe
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.training.fit import fit

RECIPE = Recipe(epochs=4, optimizer="adam", lr=0.01, batch=16)


def images() -> Images:
    dice = torch.Generator().manual_seed(0)
    return Images(
        torch.randint(0, 256, (64, 1, 4, 4), generator=dice, dtype=torch.uint8),
        torch.randint(0, 3, (64,), generator=dice),
    )


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))


def context(folder: Path, **options: object) -> Context:
    return Context(device=torch.device("cpu"), checkpoints=folder, checkpoint_every_s=0.0, **options)  # type: ignore[arg-type]


def train(folder: Path, network: nn.Module, **options: object) -> int:
    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(network(pixels), labels)

    check = options.pop("check", lambda: None)
    return fit(context(folder, check=check), "stage", network, images(), RECIPE, loss, seed=1, **options)  # type: ignore[arg-type]


def weights(network: nn.Module) -> Tensor:
    return torch.cat([value.double().flatten() for value in network.state_dict().values()])


def test_training_goes_on_after_a_crash_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, broken = model(), model()
    train(tmp_path / "whole", whole)
    epochs = 0

    def dies_after_two() -> None:
        nonlocal epochs
        epochs += 1
        if epochs == 2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        train(tmp_path / "broken", broken, check=dies_after_two)
    again = model()
    assert train(tmp_path / "broken", again) == RECIPE.epochs
    assert torch.equal(weights(again), weights(whole))


def test_a_finished_stage_is_not_trained_again(tmp_path: Path) -> None:
    first, second = model(), model()
    train(tmp_path, first)
    lines: list[str] = []
    fit(
        context(tmp_path, log=lines.append), "stage", second, images(), RECIPE,
        lambda pixels, labels: pytest.fail("trained again"), seed=1,
    )  # fmt: skip
    assert torch.equal(weights(first), weights(second))
    assert lines == ["stage: goes on after epoch 4"]


def test_numbers_kept_between_epochs_survive_a_crash(tmp_path: Path) -> None:
    seen: list[float] = []

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        state["total"] += epoch
        seen.append(state["total"])
        return epoch == 2

    assert train(tmp_path, model(), state={"total": 0.0}, after_epoch=after_epoch) == 3
    assert seen == [0, 1, 3]
    state = {"total": 0.0}
    train(tmp_path, model(), state=state, after_epoch=lambda *_: pytest.fail("the stage had stopped"))
    assert state["total"] == 3


def test_a_loss_that_is_not_finite_fails_the_trial(tmp_path: Path) -> None:
    network = model()
    with pytest.raises(TrialFailed, match="stage: the loss became nan in epoch 0"):
        fit(
            context(tmp_path), "stage", network, images(), RECIPE,
            lambda pixels, _: network(pixels).sum() * float("nan"), seed=1,
        )  # fmt: skip


def test_no_checkpoint_is_written_between_epochs_that_are_shorter_than_the_interval(tmp_path: Path) -> None:
    quiet = Context(device=torch.device("cpu"), checkpoints=tmp_path, checkpoint_every_s=1e9)
    quiet.save("stage", lambda: {"epochs": 1}, final=False)
    assert list(tmp_path.iterdir()) == []
    quiet.save("stage", lambda: {"epochs": 2}, final=True)
    assert [path.name for path in tmp_path.iterdir()] == ["stage.pt"]
