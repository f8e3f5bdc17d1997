"""ResNet18: [2, 2, 2, 2] basic blocks; 557,056 ReLUs at 3x32x32, 491,520 inner."""

from __future__ import annotations

from typing import Literal

from frontier.nn.backbones._resnet import OUTER, WIDTHS, ResNet

__all__ = ["OUTER", "WIDTHS", "build"]


def build(
    image: tuple[int, int, int], classes: int, *, sites: Literal["full", "inner"] = "full", width: int = 64
) -> ResNet:
    """`width`: channels of the stem and the first stage. Images of any size."""
    return ResNet(image[0], classes, (2, 2, 2, 2), width, stem_relu=sites == "full")
