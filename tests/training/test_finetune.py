"""The finetuning that methods share: its loss by hand, its recipe, its length, and the mask that must not move."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from frontier.errors import TrialFailed
from frontier.masks.mask import Mask
from frontier.nn.network import Classifier
from frontier.nn.surgery import gates, mask_of
from frontier.training.finetune import Finetuning, finetune, steps_left
from frontier.training.freeze import freeze
from frontier.training.task import Task, gated

sys.path.insert(0, str(Path(__file__).parents[1] / "methods"))

from by_hand import Watch, at, ce, kd, seen, sharpened
from method_task import fresh, same, small_task, state

SITES = ("relu1", "relu2")  # tinynet's, of 8x8 and 4x4 positions: each ends a stage


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return sharpened(small_task(tmp_path))


def frozen(task: Task, knobs: Finetuning) -> Classifier:
    """A student with a third of its ReLUs and weights of its own."""
    model = gated(task, fresh(1))
    bits = {
        path: torch.arange(found.kept.numel()).view(found.shape) % 3 == 0 for path, found in gates(model.body).items()
    }  # type: ignore[operator, union-attr]
    freeze(task, model, Mask.of({path: kept.numpy() for path, kept in bits.items()}), knobs)
    return model


def tuned(task: Task, monkeypatch: pytest.MonkeyPatch, knobs: Finetuning) -> tuple[Watch, Classifier]:
    watch = Watch.steps(monkeypatch)
    model = frozen(task, knobs)
    finetune(task, model, knobs)
    assert len(watch["finetune"].steps) == 9
    return watch, model


def by_hand(task: Task, model: Classifier, pixels: Tensor, labels: Tensor, temperature: float) -> list[Tensor]:
    """CE, KD at the temperature, and AT at the outputs of the stages."""
    logits, own = seen(model, SITES, pixels)
    target, its = seen(task.teacher, SITES, pixels)
    return [ce(logits, labels), kd(logits, target, temperature), at(own, its)]


@pytest.mark.parametrize(
    "weights",
    [(1.0, 1.0, 0.0, 4.0), (0.1, 0.5, 1000.0, 4.0), (0.3, 0.0, 50.0, 4.0), (0.0, 2.0, 0.0, 1.5), (1.0, 0.0, 0.0, 4.0)],
)
def test_its_loss_is_weighted_ce_and_kd_and_at(
    task: Task, monkeypatch: pytest.MonkeyPatch, weights: tuple[float, float, float, float]
) -> None:
    hard, soft, maps, temperature = weights
    knobs = Finetuning(ce_weight=hard, distill_weight=soft, attention_weight=maps, temperature=temperature)
    watch, _ = tuned(task, monkeypatch, knobs)
    for step in watch["finetune"].steps:
        parts = by_hand(task, step.student, step.pixels, step.labels, temperature)
        assert all(part > 1e-5 for part in parts)
        total = sum(weight * part for weight, part in zip(weights, parts, strict=False))
        torch.testing.assert_close(step.value, total, rtol=1e-4, atol=1e-5)


def test_its_defaults_are_snls(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, _ = tuned(task, monkeypatch, Finetuning())
    for step in watch["finetune"].steps:
        hard, soft, _ = by_hand(task, step.student, step.pixels, step.labels, 4.0)
        torch.testing.assert_close(step.value, hard + soft, rtol=1e-4, atol=1e-5)


def test_labels_are_smoothed_as_the_recipe_says(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    task = replace(task, finetune=task.finetune.model_copy(update={"label_smoothing": 0.2}))
    watch, _ = tuned(task, monkeypatch, Finetuning(distill_weight=0.0))
    step = watch["finetune"].steps[0]
    log = seen(step.student, SITES, step.pixels)[0].log_softmax(1)
    expected = 0.8 * ce(log, step.labels) - 0.2 * log.mean(1).mean()
    torch.testing.assert_close(step.value, expected, rtol=1e-4, atol=1e-5)


def test_it_trains_everything_but_the_mask_by_the_tasks_recipe(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    knobs = Finetuning(surrogate="degree2")
    watch, model = tuned(task, monkeypatch, knobs)
    stage, before = watch["finetune"], watch["finetune"].steps[0].student
    assert stage.recipe == task.finetune
    assert sorted(stage.trained) == sorted(stage.parameters)
    assert not any("kept" in name for name in stage.trained)
    assert mask_of(model.body) == mask_of(before.body)
    moved = [name for name, value in model.named_parameters() if not torch.equal(value, before.get_parameter(name))]
    assert sorted(moved) == sorted(stage.parameters)


def test_the_teacher_is_left_alone(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(task.teacher)
    tuned(task, monkeypatch, Finetuning(attention_weight=10.0))
    assert same(before, state(task.teacher))
    assert all(parameter.grad is None for parameter in task.teacher.parameters())
    assert not task.teacher.training


@pytest.mark.parametrize(("weights", "passes"), [((1.0, 0.0), 4.0), ((0.0, 1.0), 4.0), ((0.0, 0.0), 3.0)])
def test_a_teacher_that_is_asked_nothing_costs_nothing(
    task: Task, monkeypatch: pytest.MonkeyPatch, weights: tuple[float, float], passes: float
) -> None:
    watch, _ = tuned(task, monkeypatch, Finetuning(distill_weight=weights[0], attention_weight=weights[1]))
    assert watch["finetune"].options["passes"] == passes
    assert task.context.passes == {"finetune": 3 * passes}


def test_a_mask_that_moves_fails_the_trial(task: Task) -> None:
    model = frozen(task, Finetuning())

    def meddling(line: str) -> None:
        if line.startswith("finetune: epoch"):
            gates(model.body)["relu1"].get_buffer("kept").fill_(True)

    with pytest.raises(TrialFailed, match="finetune: the mask changed while it was frozen"):
        finetune(replace(task, context=replace(task.context, log=meddling)), model, Finetuning())


def test_the_steps_left_are_what_the_passes_of_the_search_leave(task: Task) -> None:
    assert steps_left(task, task.train, 32, 4.0) is None
    task.context.passes.update({"search": 10.0, "moments": 0.5, "finetune": 99.0, "finetune-90": 99.0})
    limited = replace(task, passes=20.0)
    assert steps_left(limited, task.train, 32, 4.0) == 7  # 9.5 passes of 96 images, at 32 * 4 a step: 7.1
    with pytest.raises(TrialFailed, match=r"11\.8 network passes per image leave no step of finetuning"):
        steps_left(replace(task, passes=11.8), task.train, 32, 4.0)
    with pytest.raises(TrialFailed, match=r"the search took 10\.50 network passes per image, more than the 10 of"):
        steps_left(replace(task, passes=10.0), task.train, 32, 4.0)


def test_a_total_of_passes_ends_it_in_the_middle_of_an_epoch(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch.steps(monkeypatch)
    model = frozen(task, Finetuning())
    finetune(replace(task, passes=6.0), model, Finetuning())
    assert len(watch["finetune"].steps) == 4  # of 3 an epoch
    assert task.context.passes["finetune"] == pytest.approx(4 / 3 * 4)
