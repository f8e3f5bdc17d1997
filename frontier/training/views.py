"""Three views of a training batch, as RLNet splits it: clean, AugMix, and images that are to be attacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from frontier.results.spec import Recipe
from frontier.training.augmix import augmix
from frontier.training.batches import flip_crop, generator

SMALLEST = 4  # images of a batch that is split
RIGHT = ("clean", "adversarial")  # what Rates tells


@dataclass(frozen=True)
class Views:
    """A batch: its first half clean and, cropped and flipped anew, as AugMix; its second half, which is to be attacked.

    Pixels (n, C, H, W) in [0, 1]; `labels` of the three views in that order; `dice` for what else is random. The
    middle image of an odd batch is in the first half. A batch of fewer than four is all clean: a batch norm has no
    variance of the one image that would be attacked.
    """

    clean: Tensor
    augmented: Tensor
    other: Tensor
    labels: tuple[Tensor, Tensor, Tensor]
    dice: torch.Generator

    @classmethod
    def of(cls, pixels: Tensor, labels: Tensor, recipe: Recipe, seed: int) -> Views:
        """From images that are not augmented yet; crops and flips are those of the recipe. All that is random depends
        on the seed, the images and their order, so that a resumed run rolls the same dice."""
        dice = dice_of(pixels, seed)
        half = (len(pixels) + 1) // 2 if len(pixels) >= SMALLEST else len(pixels)

        def cropped(images: Tensor) -> Tensor:
            return flip_crop(images, recipe.crop_padding, dice) if recipe.augment == "flip_crop" else images

        seen = cropped(pixels)
        mixing = np.random.default_rng(int(torch.randint(2**62, (), generator=dice)))
        augmented = augmix(cropped(pixels[:half]), mixing)
        return cls(seen[:half], augmented, seen[half:], (labels[:half], labels[:half], labels[half:]), dice)


def dice_of(pixels: Tensor, seed: int) -> torch.Generator:
    """Dice for a batch (B, C, H, W) in [0, 1], from its bytes, image by image."""
    sums = (pixels * 255).round().to(torch.int64).flatten(1).sum(dim=1)
    places = torch.arange(1, len(sums) + 1, device=sums.device)
    return generator(seed, int((sums * places).sum()))


class Rates:
    """How many clean and attacked images an epoch of training had right; kept on the device until it is asked for."""

    def __init__(self) -> None:
        self.right: dict[str, Tensor] = {}
        self.count: dict[str, int] = {}

    def add(self, logits: Sequence[Tensor], labels: Sequence[Tensor]) -> None:
        """Of the views of a batch, the third may be missing; the AugMix one is left out."""
        for name, at in zip(RIGHT, (0, 2), strict=True):
            if at < len(logits):
                right = (logits[at].detach().argmax(dim=1) == labels[at]).sum()
                self.right[name] = self.right[name] + right if name in self.right else right
                self.count[name] = self.count.get(name, 0) + len(labels[at])

    def taken(self) -> dict[str, float]:
        """The shares by name; counting begins anew."""
        shares = {name: float(right) / self.count[name] for name, right in self.right.items()}
        self.right.clear()
        self.count.clear()
        return shares
