"""The attack of adversarial training: last-iterate PGD in the L-infinity ball (Madry et al., ICLR 2018).

Unlike `frontier.attacks.pgd`, which measures: the objective is the caller's, the last iterate is returned and not the
worst point visited, and the network may be in the middle of its training. Start, step and projection are as in
sreetamasarkar/rlnet, commit afbf3aa, helper/attack.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from frontier.attacks._linf import fixed, project


def perturb(
    model: nn.Module,
    images: Tensor,
    objective: Callable[[Tensor], Tensor],
    *,
    eps: float,
    step_size: float,
    steps: int,
    dice: torch.Generator,
) -> Tensor:
    """Images (N, C, H, W) in [0, 1] within `eps` of the given ones, after `steps` steps that climb `objective`.

    `objective`: images -> a scalar that is a sum over images, through `model`, which is in evaluation mode meanwhile
    and whose parameters get no gradient. The start is uniform in the ball, drawn on the CPU from `dice`.
    """
    noise = torch.rand(images.shape, generator=dice).to(images) * 2 - 1
    if not eps or not len(images):
        return images
    clean = images.detach()
    point = project(clean + eps * noise, clean, eps)
    with resting(model), torch.enable_grad():
        for _ in range(steps):
            point.requires_grad_()
            (gradient,) = torch.autograd.grad(objective(point), point)
            point = project(point.detach() + step_size * gradient.nan_to_num(nan=0.0).sign(), clean, eps)
    return point.detach()


@contextlib.contextmanager
def resting(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and no parameter that asks for a gradient; both flags are restored one by one."""
    training = [module for module in model.modules() if module.training]
    try:
        model.eval()
        with fixed(model):
            yield
    finally:
        for module in training:
            module.training = True
