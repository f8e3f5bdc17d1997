"""Tinynet, for handwritten digits: two convolutions; 768 ReLUs and 1,442 parameters at 1x8x8 with ten classes.

Global average pooling is what makes the ReLUs matter: with a flat head a linear network is as good on digits.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

OUTER: tuple[str, ...] = ()
WIDTHS = ("width",)  # options that scale the channels together


class TinyNet(nn.Module):
    """conv3x3, batch norm, ReLU, conv3x3 of stride 2, batch norm, ReLU, global average pooling, linear head."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * width)
        self.relu2 = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(2 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> logits (B, classes)."""
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.relu2(self.bn2(self.conv2(x)))
        logits: Tensor = self.head(self.pool(x).flatten(1))
        return logits


def build(
    image: tuple[int, int, int], classes: int, *, sites: Literal["full", "inner"] = "full", width: int = 8
) -> TinyNet:
    """`width`: channels of the first convolution. `sites` changes nothing: there is no outer ReLU."""
    return TinyNet(image[0], classes, width)
