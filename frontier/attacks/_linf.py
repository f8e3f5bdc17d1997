"""What every L-infinity attack in pixel space shares: checked arguments, batches, input gradient, projection."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from frontier.attacks import _losses
from frontier.errors import InputError


def check(model: nn.Module, images: Tensor, labels: Tensor, *, eps: float, steps: int, batch: int) -> None:
    """Raises InputError unless an attack of size `eps` (in [0, 1] pixel units) can be run on these images."""
    if any(module.training for module in model.modules()):
        raise InputError("an attack needs the model in evaluation mode", fix="call model.eval() first")
    if not images.is_floating_point() or images.ndim != 4:
        raise InputError(
            "these are not images", expected="float (N, C, H, W)", got=f"{images.dtype} {tuple(images.shape)}"
        )
    if not bool(((images >= 0) & (images <= 1)).all()):  # false for NaN as well
        raise InputError("pixels must lie in [0, 1]", got=f"{images.min().item():g} to {images.max().item():g}")
    if labels.shape != images.shape[:1]:
        raise InputError("one label an image", expected=f"shape ({len(images)},)", got=tuple(labels.shape))
    if not (math.isfinite(eps) and eps >= 0):
        raise InputError("eps must be a finite number of 0 or more", got=eps)
    for name, count in (("steps", steps), ("batch", batch)):
        if count < 1:
            raise InputError(f"{name} must be at least 1", got=count)


def parts(images: Tensor, batch: int) -> list[slice]:
    """As few batches of at most `batch` images as there can be, of nearly equal size."""
    count = -(-len(images) // batch)
    return [slice(len(images) * at // count, len(images) * (at + 1) // count) for at in range(count)]


@contextlib.contextmanager
def fixed(model: nn.Module) -> Iterator[None]:
    """No parameter asks for a gradient meanwhile, so that a backward pass goes to the image alone."""
    asking = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in asking:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in asking:
            parameter.requires_grad_(True)


def ascent(model: nn.Module, images: Tensor, labels: Tensor, loss: _losses.Loss = _losses.ce) -> tuple[Tensor, Tensor]:
    """Logits at `images` and the sign of the input gradient of the summed loss (0 where it is NaN).

    Only the input is differentiated: the parameters' `.grad` stays what it was.
    """
    with torch.enable_grad():
        inputs = images.detach().requires_grad_()
        logits = model(inputs)
        (gradient,) = torch.autograd.grad(loss(logits, labels).sum(), inputs)
    return logits.detach(), gradient.nan_to_num(nan=0.0).sign()


def project(moved: Tensor, images: Tensor, eps: float) -> Tensor:
    """The point nearest to `moved` that is within `eps` of `images` in every pixel, and in [0, 1]."""
    return torch.minimum(torch.maximum(moved, images - eps), images + eps).clamp(0.0, 1.0)
