"""WRN-16-8; 933,888 ReLUs at 3x32x32, 901,120 inner."""

from __future__ import annotations

from typing import Literal

from frontier.nn.backbones._wrn import OUTER, WideResNet

__all__ = ["OUTER", "build"]


def build(image: tuple[int, int, int], classes: int, *, sites: Literal["full", "inner"] = "full") -> WideResNet:
    """Images of any size."""
    return WideResNet(image[0], classes, depth=16, widen=8, last_relu=sites == "full")
