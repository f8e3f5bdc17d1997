"""WRN-28-10; 2,310,144 ReLUs at 3x32x32, 2,269,184 inner."""

from __future__ import annotations

from typing import Literal

from frontier.nn.backbones._wrn import OUTER, WideResNet

__all__ = ["OUTER", "build"]


def build(image: tuple[int, int, int], classes: int, *, sites: Literal["full", "inner"] = "full") -> WideResNet:
    """Images of any size."""
    return WideResNet(image[0], classes, depth=28, widen=10, last_relu=sites == "full")
