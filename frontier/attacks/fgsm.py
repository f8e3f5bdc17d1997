"""Fast gradient sign method: one step of size eps from the image itself (Goodfellow et al., ICLR 2015)."""

from __future__ import annotations

from torch import Tensor, nn

from frontier.attacks import _linf
from frontier.errors import InputError


def passes(steps: int) -> float:
    """Network passes an image: one forward and backward to the image."""
    return 3.0


def run(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = 1,
    seed: int = 0,
    batch: int = 256,
) -> Tensor:
    """Adversarial images, (N, C, H, W) in [0, 1]: clamp(x + eps * sign(gradient)).

    `model` maps pixels in [0, 1] to logits and is in evaluation mode; nothing in it changes. `steps` must be 1 and
    `seed` plays no part: they are there because all attacks are called alike. Raises InputError.
    """
    _linf.check(model, images, labels, eps=eps, steps=steps, batch=batch)
    if steps != 1:
        raise InputError("fgsm takes exactly one step", expected="steps: 1", got=steps, fix="use pgd for more")
    adversarial = images.detach().clone()
    with _linf.fixed(model):
        for part in _linf.parts(images, batch):
            _, direction = _linf.ascent(model, images[part], labels[part])
            adversarial[part] = _linf.project(images[part] + eps * direction, images[part], eps)
    return adversarial
