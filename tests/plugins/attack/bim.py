"""Basic iterative method: signed gradient steps of eps / steps from the image itself (Kurakin et al., ICLR 2017)."""

from __future__ import annotations

from torch import Tensor, nn

from frontier.attacks import _linf


def passes(steps: int) -> float:
    """Network passes an image: one forward and backward to the image a step."""
    return 3.0 * steps


def run(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = 10,
    seed: int = 0,
    batch: int = 256,
) -> Tensor:
    """Adversarial images, (N, C, H, W) in [0, 1]. `seed` plays no part: there is no random start."""
    _linf.check(model, images, labels, eps=eps, steps=steps, batch=batch)
    adversarial = images.detach().clone()
    for part in _linf.parts(images, batch):
        for _ in range(steps):
            _, direction = _linf.ascent(model, adversarial[part], labels[part])
            adversarial[part] = _linf.project(adversarial[part] + eps / steps * direction, images[part], eps)
    return adversarial
