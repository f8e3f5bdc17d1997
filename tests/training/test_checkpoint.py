"""Which epoch is handed back: the last, or the one that was best on validation; also after a crash."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from frontier.errors import Cancelled
from frontier.training.batches import Images
from frontier.training.checkpoint import accuracy, chosen, looks
from frontier.training.finetune import Finetuning, finetune
from frontier.training.task import Task, gated

sys.path.insert(0, str(Path(__file__).parents[1] / "methods"))

from method_task import fresh, same, small_task, state


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return small_task(tmp_path)


class Weight(nn.Module):
    """One number: the epoch that it is from."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(()))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(pixels[:, 0, 0, 0].mul(255).round().long(), 3).float()


def after(task: Task, scores: list[float], checkpoint: str = "validation") -> tuple[Weight, dict[str, float]]:
    """A model that went through an epoch a score."""
    model, told = Weight(), {"loss": 1.0}
    left: Iterator[float] = iter(scores)
    choosing = chosen(task, "stage", model, checkpoint, len(scores), lambda: model)  # type: ignore[arg-type,return-value]
    with pytest.MonkeyPatch.context() as patched, choosing as after_epoch:
        patched.setattr("frontier.training.checkpoint.accuracy", lambda served, images: next(left))
        for epoch in range(len(scores)):
            with torch.no_grad():
                model.value.fill_(epoch)
            assert after_epoch is None or after_epoch(epoch, told) is False
    return model, told


@pytest.mark.parametrize(
    ("scores", "best"), [([0.1, 0.7, 0.3], 1), ([0.7, 0.7, 0.7], 0), ([0.0, 0.0], 0), ([0.1, 0.2, 0.9], 2)]
)
def test_the_epoch_with_the_highest_score_is_handed_back_the_earlier_if_equal(
    task: Task, scores: list[float], best: int
) -> None:
    lines: list[str] = []
    task = replace(task, context=replace(task.context, log=lines.append))
    model, told = after(task, scores)
    assert float(model.value.detach()) == best
    assert lines == [f"stage: epoch {best + 1} was best on validation"]
    assert told == {"loss": 1.0, "validation": scores[-1], "best": max(scores)}


def test_the_last_epoch_is_not_looked_at(task: Task) -> None:
    model, told = after(task, [0.9, 0.1], "last")
    assert float(model.value.detach()) == 1
    assert told == {"loss": 1.0}
    assert looks(task, "last") == 0
    assert looks(task, "validation") == 32 / 96  # passes an image and step: 32 images for each 96


def test_accuracy_is_the_share_that_is_right_in_eval_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = torch.tensor([0, 1, 2, 2, 1], dtype=torch.uint8).view(5, 1, 1, 1)
    images = Images(pixels, torch.tensor([1, 1, 2, 2, 1]))
    monkeypatch.setattr("frontier.training.checkpoint.BATCH", 2)  # batches of two, and one that is smaller
    model = nn.Sequential(Weight(), nn.Dropout(1.0)).train()
    model[0].eval()
    assert accuracy(model, images) == 4 / 5  # with the dropout on, none
    assert [model.training, model[0].training, model[1].training] == [True, False, True]


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_the_best_epoch_survives_a_crash(task: Task, tmp_path: Path, killed_after: int) -> None:
    task = replace(task, finetune=task.finetune.model_copy(update={"epochs": 4, "lr": 0.3}))
    knobs = Finetuning(checkpoint="validation")

    def run(task: Task) -> tuple[dict[str, torch.Tensor], str, dict[str, float]]:
        model, lines = gated(task, fresh(1)), []
        finetune(replace(task, context=replace(task.context, log=lines.append)), model, knobs)
        return state(model), lines[-1], task.context.passes

    whole, said, passes = run(task)
    assert "was best on validation" in said
    left = iter(range(killed_after - 1))

    def check() -> None:
        if next(left, None) is None:
            raise Cancelled("stop")

    context = replace(task.context, checkpoints=tmp_path / "parts", checkpoint_every_s=0.0, passes={})
    with pytest.raises(Cancelled):
        run(replace(task, context=replace(context, check=check)))
    found, told, spent = run(replace(task, context=replace(context, passes={})))
    assert same(found, whole)
    assert (told, spent) == (said, passes)
    assert passes == {"finetune": pytest.approx(4 * (4 + 32 / 96))}
