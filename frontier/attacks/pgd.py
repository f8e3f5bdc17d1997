"""Projected gradient descent in the L-infinity ball, from a uniform random start (Madry et al., ICLR 2018).

Differs from the paper's last-iterate form in one respect: of all points visited (the image itself, every iterate,
every restart) the one with the largest margin by which another class wins is returned, so that more restarts never
help the defender and accuracy under attack is never above clean accuracy.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from frontier.attacks import _linf
from frontier.errors import InputError


def passes(steps: int) -> float:
    """Network passes an image: a forward and backward each step, and a forward at the start and at the end."""
    return 3.0 * steps + 2


def run(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int,
    seed: int,
    step_size: float | None = None,
    restarts: int = 1,
    batch: int = 256,
) -> Tensor:
    """Adversarial images, (N, C, H, W) in [0, 1], each within `eps` of its image.

    `model` maps pixels in [0, 1] to logits and is in evaluation mode; nothing in it changes. `step_size` is
    2.5 * eps / steps unless given. The starts are drawn on the CPU from `seed` alone, so they do not depend on
    `batch`, the device or the global random state. Raises InputError.
    """
    _linf.check(model, images, labels, eps=eps, steps=steps, batch=batch)
    if restarts < 1:
        raise InputError("restarts must be at least 1", got=restarts)
    if step_size is not None and not step_size > 0:
        raise InputError("step_size must be above 0", got=step_size)
    step = 2.5 * eps / steps if step_size is None else step_size
    generator = torch.Generator().manual_seed(seed)
    adversarial = images.detach().clone()
    for _ in range(restarts):
        for part in _linf.parts(images, batch):
            clean = images[part]
            noise = torch.rand(clean.shape, generator=generator).to(clean) * 2 - 1
            start = _linf.project(clean + eps * noise, clean, eps)
            adversarial[part] = _climb(model, start, labels[part], clean, adversarial[part], eps, step, steps)
    return adversarial


def _climb(
    model: nn.Module,
    start: Tensor,
    labels: Tensor,
    clean: Tensor,
    worst: Tensor,
    eps: float,
    step: float,
    steps: int,
) -> Tensor:
    """The worst point, per image, among `worst`, `start` and the `steps` iterates that follow it."""
    with torch.no_grad():
        record = _linf.margin(model(worst), labels)
    point = start
    for _ in range(steps):
        logits, direction = _linf.ascent(model, point, labels)
        worst, record = _keep(worst, record, point, _linf.margin(logits, labels))
        point = _linf.project(point + step * direction, clean, eps)
    with torch.no_grad():
        margin = _linf.margin(model(point), labels)
    return _keep(worst, record, point, margin)[0]


def _keep(worst: Tensor, record: Tensor, point: Tensor, margin: Tensor) -> tuple[Tensor, Tensor]:
    """Per image, the one of two points with the larger margin, and that margin. A NaN margin never wins."""
    better = margin > record
    return torch.where(better[:, None, None, None], point, worst), torch.where(better, margin, record)
