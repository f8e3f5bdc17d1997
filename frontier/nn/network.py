"""Networks by name: a backbone built from checked options, and the classifier that takes pixels in [0, 1]."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Literal, final, get_type_hints

import torch
from torch import Tensor, nn

from frontier import registry
from frontier.errors import InputError, nearest


def build(
    name: str,
    image: tuple[int, int, int],
    classes: int,
    *,
    sites: Literal["full", "inner"] = "full",
    options: Mapping[str, bool | int | float | str] | None = None,
) -> nn.Module:
    """The backbone `name` with plain ReLUs for images (C, H, W). Raises InputError for what it does not take."""
    backbone = registry.load("backbone", name)
    where = f"network '{name}'"
    if len(image) != 3 or not all(_positive(size) for size in image):
        raise InputError("not an image shape", where=where, expected="three positive sizes CxHxW", got=image)
    if not _positive(classes):
        raise InputError("not a number of classes", where=where, expected="a positive int", got=classes)
    if sites not in ("full", "inner"):
        raise InputError("not a convention for sites", where=where, expected="full or inner", got=sites)
    taken = get_type_hints(backbone.build)
    known = [key for key in inspect.signature(backbone.build).parameters if key not in ("image", "classes", "sites")]
    for key, value in (options or {}).items():
        if key not in known:
            raise InputError(f"unknown option '{key}'", where=where, expected=nearest(key, known))
        if type(value) is not taken[key] or (taken[key] is int and not _positive(value)):
            kind = "a positive int" if taken[key] is int else f"a value of type {taken[key].__name__}"
            raise InputError(f"option '{key}' does not fit", where=where, expected=kind, got=repr(value))
    network: nn.Module = backbone.build(image, classes, sites=sites, **(options or {}))
    return network


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


@final
class Classifier(nn.Module):
    """A network behind its normalisation: pixels (B, C, H, W) in [0, 1] -> logits (B, classes)."""

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """`mean`, `std`: per channel, in units of [0, 1] pixels. Raises InputError unless std is positive."""
        super().__init__()
        if len(mean) != len(std) or not mean or min(std) <= 0:
            raise InputError("not a normalisation", expected="a mean and a positive std per channel", got=(mean, std))
        self.body = body
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels as the body sees them."""
        return (pixels - self.mean) / self.std

    def around(self, body: nn.Module) -> Classifier:
        """Another body behind the same normalisation."""
        mean, std = (tuple(values.flatten().tolist()) for values in (self.mean, self.std))
        return Classifier(body, mean, std).to(self.mean.device)

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalise, then the network."""
        logits: Tensor = self.body(self.normalised(pixels))
        return logits
