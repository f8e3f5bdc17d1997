"""The losses that several methods share."""

from __future__ import annotations

from collections.abc import Callable

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


@torch.no_grad()
def logits_of(teacher: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
    """The teacher's logits, outside the graph."""
    return teacher(pixels)
