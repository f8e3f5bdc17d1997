"""The end of every mask search: the mask is put in place for good, with the surrogate where no ReLU is left."""

from __future__ import annotations

from torch import Tensor

from frontier.masks.mask import Mask
from frontier.nn.network import Classifier
from frontier.nn.surgery import set_mask
from frontier.nn.surrogates import SMALLEST_STD, dapa, degree_of
from frontier.training.finetune import Finetuning
from frontier.training.observe import moments
from frontier.training.task import Task, gated, with_closed

LINEAR = 1  # the degree


def freeze(task: Task, model: Classifier, mask: Mask, knobs: Finetuning) -> None:
    """Replace the gates of `model`, in place, by frozen ones; closed sites, which `mask` need not have, keep nothing.
    Finetuning trains the polynomials."""
    set_mask(model.body, with_closed(task, mask), fitted(task, knobs))


def fitted(task: Task, knobs: Finetuning) -> dict[str, Tensor]:
    """The polynomial that each site begins with, (degree + 1, C) by path: the fit to what the teacher's ReLUs are fed.
    None for the identity. That of a closed site is linear, whatever the surrogate: squares would cost it a round."""
    degree = degree_of(knobs.surrogate)
    if degree is None:
        return {}
    return {
        path: dapa(
            found.mean,
            found.std.clamp(min=SMALLEST_STD),
            min(degree, LINEAR) if path in task.closed else degree,
            knobs.curvature,
        ).float()
        for path, found in moments(task, gated(task, task.teacher)).items()
    }
