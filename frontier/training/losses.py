"""The losses that several methods share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


def distillation(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher/T) || softmax(student/T)), summed over classes, mean over the batch.

    Logits (B, K) -> scalar. Hinton et al. 2015; SNL (Cho et al. 2022) uses T = 4. The teacher gets no gradient.
    """
    log_student = functional.log_softmax(student.float() / temperature, dim=1)
    log_teacher = functional.log_softmax(teacher.detach().float() / temperature, dim=1)
    kl = functional.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)
    return kl * temperature**2


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy in float32 whatever the precision of the logits."""
    return functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing)


def step_passes(*, taught: bool) -> float:
    """Network passes that an image costs in a step of `imitation`: forward and backward of the student, and where it
    has a teacher that one's forward."""
    return 4.0 if taught else 3.0


class Weights(NamedTuple):
    """Of the parts of `imitation`; `temperature` is the distillation's, `smoothing` the labels'."""

    ce: float
    distill: float
    attention: float
    temperature: float
    smoothing: float = 0.0


Seen = tuple[Tensor, Sequence[Tensor]]  # logits (B, K), and the activations (B, C, ...) that attention is paid to


def imitation(student: Seen, teacher: Seen | None, labels: Tensor, weights: Weights) -> Tensor:
    """ce CE + distill KD_T + attention AT -> scalar; without a teacher the first part alone."""
    value = weights.ce * cross_entropy(student[0], labels, weights.smoothing)
    if teacher is None:
        return value
    value = value + weights.distill * distillation(student[0], teacher[0], weights.temperature)
    if weights.attention:
        value = value + weights.attention * attention_transfer(student[1], teacher[1])
    return value


def attention(activations: Tensor) -> Tensor:
    """The attention map of Zagoruyko and Komodakis (ICLR 2017): mean over channels of the squares, flattened and scaled
    to length 1. (B, C, ...) -> (B, positions)."""
    return functional.normalize(activations.float().square().mean(dim=1).flatten(1), dim=1)


def attention_transfer(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """Sum over the given activations of the mean squared difference of their attention maps -> scalar.

    As SENet and RLNet finetune (sreetamasarkar/rlnet, commit afbf3aa; SENet calls it PRAM). No gradient to `teacher`.
    """
    pairs = zip(student, teacher, strict=True)
    return torch.stack([(attention(s) - attention(t.detach())).square().mean() for s, t in pairs]).sum()
