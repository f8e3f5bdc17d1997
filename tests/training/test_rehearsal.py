"""A rehearsal takes a few steps of a training and says how many there would have been."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from frontier.results.spec import Recipe
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.training.fit import fit
from frontier.training.rehearsal import MOST_STEPS, Rehearsal, Training

RECIPE = Recipe(epochs=40, optimizer="adam", lr=0.01, batch=16)


def images(count: int) -> Images:
    dice = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 1, 4, 4), generator=dice, dtype=torch.uint8)
    return Images(pixels, torch.randint(0, 3, (count,), generator=dice))


def rehearsed(tmp_path: Path, *, real: int = 640, shown: int = 64, **options: object) -> tuple[Rehearsal, Context]:
    rehearsal = Rehearsal(real)
    context = Context(device=torch.device("cpu"), checkpoints=tmp_path, rehearsal=rehearsal)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))

    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(network(pixels), labels)

    fit(context, "stage", network, images(shown), RECIPE, loss, seed=1, **options)  # type: ignore[arg-type]
    return rehearsal, context


def test_steps_and_epochs_are_those_of_the_whole_training_on_all_images(tmp_path: Path) -> None:
    rehearsal, context = rehearsed(tmp_path)
    (training,) = rehearsal.trainings
    assert (training.stage, training.steps, training.epochs) == ("stage", 1600, 40)
    assert len(training.step_s) == 3  # of the four that an epoch of the shown images has the first one compiles
    assert context.passes == {"stage": 120}
    assert not list(tmp_path.iterdir())


def test_a_number_of_steps_grows_with_the_images(tmp_path: Path) -> None:
    (training,) = rehearsed(tmp_path, steps=10)[0].trainings
    assert (training.steps, training.epochs) == (100, 2.5)


def test_no_more_steps_are_taken_than_are_needed(tmp_path: Path) -> None:
    (training,) = rehearsed(tmp_path, shown=16 * (MOST_STEPS + 50))[0].trainings
    assert 3 <= len(training.step_s) <= MOST_STEPS


def test_a_training_that_has_enough_after_an_epoch_is_counted_with_one(tmp_path: Path) -> None:
    (training,) = rehearsed(tmp_path, after_epoch=lambda epoch, state: True)[0].trainings
    assert training.ended
    assert training.seconds().high < 2 * training.first_s + 1600 / 40 * max(training.step_s) + training.epoch_s + 1e-9


def test_an_empty_training_is_no_training(tmp_path: Path) -> None:
    assert rehearsed(tmp_path, steps=0)[0].trainings == []


def test_a_nan_is_no_failure_of_a_rehearsal(tmp_path: Path) -> None:
    rehearsal = Rehearsal(64)
    context = Context(device=torch.device("cpu"), checkpoints=tmp_path, rehearsal=rehearsal)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    fit(context, "stage", network, images(64), RECIPE, lambda x, y: network(x).sum() * torch.nan, seed=1)
    assert len(rehearsal.trainings) == 1


@pytest.mark.parametrize(
    ("ended", "may_end", "seconds"),
    [(False, False, (16.0, 36.0)), (False, True, (4.0, 36.0)), (True, False, (4.0, 9.0))],
)
def test_the_ends_are_quartiles_times_steps_and_one_epoch_where_it_may_end(
    ended: bool, may_end: bool, seconds: tuple[float, float]
) -> None:
    training = Training("search", 10, 4, 2.0, (1.0, 1.0, 3.0, 3.0), 1.5, ended)
    assert training.seconds(may_end=may_end) == pytest.approx(seconds)


def test_what_the_first_step_takes_longer_is_counted_once() -> None:
    assert Training("search", 10, 1, 61.0, (1.0, 1.0, 1.0), 0.0, ended=False).seconds() == (70.0, 70.0)
