"""Distillation as SNL uses it."""

import torch
from torch.nn import functional

from frontier.training.losses import cross_entropy, distillation


def logits(seed: int) -> torch.Tensor:
    return torch.randn(6, 10, generator=torch.Generator().manual_seed(seed))


def test_distillation_of_equal_logits_is_zero() -> None:
    assert abs(float(distillation(logits(0), logits(0), 4.0))) < 1e-6


def test_distillation_is_temperature_squared_times_the_batch_mean() -> None:
    student, teacher = logits(0), logits(1)
    p, log_q = (teacher / 4).softmax(1), (student / 4).log_softmax(1)
    by_hand = 16 * (p * (p.log() - log_q)).sum() / len(student)
    torch.testing.assert_close(distillation(student, teacher, 4.0), by_hand)


def test_distillation_is_averaged_over_the_batch_only() -> None:
    student, teacher = logits(0), logits(1)
    twice = distillation(torch.cat([student, student]), torch.cat([teacher, teacher]), 4.0)
    torch.testing.assert_close(twice, distillation(student, teacher, 4.0))


def test_distillation_sends_no_gradient_to_the_teacher() -> None:
    student, teacher = logits(0).requires_grad_(), logits(1).requires_grad_()
    distillation(student, teacher, 4.0).backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_distillation_ignores_a_shift_of_the_logits() -> None:
    torch.testing.assert_close(distillation(logits(0) + 3, logits(1) - 5, 4.0), distillation(logits(0), logits(1), 4.0))


def test_cross_entropy_is_computed_in_float32() -> None:
    labels = torch.arange(6)
    loss = cross_entropy(logits(0).bfloat16(), labels)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, functional.cross_entropy(logits(0).bfloat16().float(), labels))
