"""Plainnet: `depth` blocks at full resolution; the ReLU of the stem is outer, so `inner` leaves it out."""

from __future__ import annotations

from typing import Literal

from torch import nn

from ._block import block

OUTER = ("0.2",)


def build(
    image: tuple[int, int, int],
    classes: int,
    *,
    sites: Literal["full", "inner"] = "full",
    width: int = 4,
    depth: int = 2,
) -> nn.Sequential:
    """`width` channels in each of `depth` blocks, the stem among them."""
    stem = block(image[0], width)
    if sites == "inner":
        stem[2] = nn.Identity()
    blocks = [block(width, width) for _ in range(depth - 1)]
    return nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
