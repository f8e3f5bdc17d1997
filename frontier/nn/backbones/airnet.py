"""Airnet, the laboratory network: 13,312 ReLUs, 5.97 MMAC and 0.30 M parameters at 3x32x32.

Shaped as airbench (Keller Jordan, KellerJordan/cifar10-airbench), with average pooling in place of max-pooling,
which is itself non-linear under private inference, and ReLU in place of GELU.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from frontier.errors import InputError

OUTER: tuple[str, ...] = ()
WIDTHS = ("width1", "width2", "width3")  # options that scale the channels together; the stem's are fixed
PATCH = 2  # pixels on each side of the patches that the stem whitens
GROUPS = 3  # each halves the image


class Group(nn.Module):
    """conv3x3, average pooling, batch norm, ReLU, conv3x3, batch norm, ReLU; the batch norms have no scale."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.pool = nn.AvgPool2d(2)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu2 = nn.ReLU()
        self.bn1.weight.requires_grad_(False)
        self.bn2.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / 2, W / 2)."""
        x = self.relu1(self.bn1(self.pool(self.conv1(x))))
        activated: Tensor = self.relu2(self.bn2(self.conv2(x)))
        return activated


class AirNet(nn.Module):
    """A stem on 2x2 patches (`whiten`: training may set its weights from data), three groups, pooling, head."""

    def __init__(self, channels: int, classes: int, widths: tuple[int, int, int], stem_stride: int) -> None:
        super().__init__()
        patches = 2 * channels * PATCH**2  # every principal direction of the patches, with both signs
        self.whiten = nn.Conv2d(channels, patches, PATCH, stem_stride)
        self.whiten.weight.requires_grad_(False)  # set from data once, not trained
        self.relu = nn.ReLU()
        self.group1 = Group(patches, widths[0])
        self.group2 = Group(widths[0], widths[1])
        self.group3 = Group(widths[1], widths[2])
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(widths[2], classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> logits (B, classes)."""
        x = self.group3(self.group2(self.group1(self.relu(self.whiten(x)))))
        logits: Tensor = self.head(self.pool(x).flatten(1))
        return logits


def build(
    image: tuple[int, int, int],
    classes: int,
    *,
    sites: Literal["full", "inner"] = "full",
    width1: int = 32,
    width2: int = 64,
    width3: int = 128,
    stem_stride: int = 2,
) -> AirNet:
    """Channels of the three groups, and the stem's stride. `sites` changes nothing: there is no outer ReLU.

    Raises InputError for an image that three halvings leave empty (under 16 pixels a side at stride 2)."""
    smallest = (2**GROUPS - 1) * stem_stride + PATCH
    if min(image[1:]) < smallest:
        got = "x".join(map(str, image))
        raise InputError("the image is too small for airnet", expected=f"at least {smallest} pixels a side", got=got)
    return AirNet(image[0], classes, (width1, width2, width3), stem_stride)
