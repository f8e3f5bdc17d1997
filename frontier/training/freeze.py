"""The end of every mask search: the mask is put in place for good, with the surrogate where no ReLU is left."""

from __future__ import annotations

from frontier.masks.mask import Mask
from frontier.nn.network import Classifier
from frontier.nn.surgery import set_mask
from frontier.nn.surrogates import SMALLEST_STD, dapa, degree_of
from frontier.training.finetune import Finetuning
from frontier.training.observe import moments
from frontier.training.task import Task, gated


def freeze(task: Task, model: Classifier, mask: Mask, knobs: Finetuning) -> None:
    """Replace the gates of `model`, in place, by frozen ones. A polynomial starts as the fit to what the teacher's
    ReLUs are fed; finetuning trains it."""
    degree = degree_of(knobs.surrogate)
    coefficients = {}
    if degree is not None:
        for path, found in moments(task, gated(task, task.teacher)).items():
            coefficients[path] = dapa(found.mean, found.std.clamp(min=SMALLEST_STD), degree, knobs.curvature).float()
    set_mask(model.body, mask, coefficients)
