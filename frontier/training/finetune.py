"""Finetuning a network whose masks are frozen, by distillation from its teacher; shared by all methods."""

from __future__ import annotations

from torch import Tensor

from frontier.nn.network import Classifier
from frontier.training.fit import fit
from frontier.training.forward import forward_of, wants_compile
from frontier.training.losses import cross_entropy, distillation, logits_of
from frontier.training.task import Task


def finetune(task: Task, model: Classifier, *, temperature: float, distill_weight: float) -> None:
    """CE + distill_weight * KD_T(teacher), by the task's finetune recipe; changes `model` in place."""
    recipe, device = task.finetune, task.context.device
    compiled = wants_compile(recipe, device, task.context.log)
    student = forward_of(model, recipe, device, compiled=compiled)
    teacher = forward_of(task.teacher, recipe, device, compiled=False)

    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        logits = student(pixels)
        value = cross_entropy(logits, labels, recipe.label_smoothing)
        if distill_weight:
            value = value + distill_weight * distillation(logits, logits_of(teacher, pixels), temperature)
        return value

    fit(task.context, "finetune", model, task.train, recipe, loss, seed=task.seed)
