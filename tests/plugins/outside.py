"""A network that frontier knows nothing of: `network: {name: "outside:build"}` names its factory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

OUTER = ("stem",)


class Narrow(nn.Module):
    """Two convolutions, a ReLU after each (one a module, one a function), average pooling, a linear head."""

    def __init__(self, channels: int, classes: int, width: int, *, stem: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1)
        self.stem = nn.ReLU() if stem else nn.Identity()
        self.conv2 = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> logits (B, classes)."""
        x = torch.relu(self.conv2(self.stem(self.conv1(x))))
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def build(image: tuple[int, int, int], classes: int, *, sites: str = "full", width: int = 4) -> Narrow:
    """`width`: channels of both convolutions. `sites: inner` leaves the stem's ReLU out."""
    return Narrow(image[0], classes, width, stem=sites == "full")


def smooth(image: tuple[int, int, int], classes: int, **options: int) -> nn.Module:
    """No network for frontier: it has a GELU."""
    return nn.Sequential(
        nn.Conv2d(image[0], 2, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, classes)
    )


def plain(image: tuple[int, int, int], classes: int, **options: int) -> nn.Module:
    """A factory without `sites` that takes any option."""
    pixels = image[0] * image[1] * image[2]
    return nn.Sequential(
        nn.Flatten(), nn.Linear(pixels, options["units"]), nn.ReLU(), nn.Linear(options["units"], classes)
    )


def nothing(image: tuple[int, int, int], classes: int) -> str:
    """A factory that hands back no network."""
    return "a network"


def broken(image: tuple[int, int, int], classes: int, *, depth: int) -> nn.Module:
    """A factory with a defect, and with an option that must be given."""
    raise ZeroDivisionError("the middle of the factory")


def dense(image: tuple[int, int, int], classes: int) -> nn.Module:
    """A hidden linear layer behind the convolutions: a site without height and width."""
    return nn.Sequential(
        nn.Conv2d(image[0], 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, classes),
    )  # fmt: skip


def tower(image: tuple[int, int, int], classes: int) -> nn.Module:
    """Four sites: two of 128 ReLUs and two of 64, on images of 8 x 8."""
    return nn.Sequential(
        nn.Conv2d(image[0], 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(),
        nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(),
        nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes),
    )  # fmt: skip


def too_many(image: tuple[int, int, int], classes: int) -> nn.Module:
    """One logit more than there are classes."""
    return dense(image, classes + 1)


def linear(image: tuple[int, int, int], classes: int) -> nn.Module:
    """No ReLU at all."""
    return nn.Sequential(nn.Flatten(), nn.Linear(image[0] * image[1] * image[2], classes))


class Moody(nn.Module):
    """Looks at the data to decide what to do."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, 8, 8) -> logits (B, classes)."""
        logits: Tensor = self.head(x.flatten(1))
        return torch.relu(logits) if x.sum() > 0 else logits


def moody(image: tuple[int, int, int], classes: int) -> nn.Module:
    """A forward that branches on data."""
    return Moody(classes)
