"""A split lives as two tensors on the device; an epoch is a seeded permutation of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from frontier.data._dataset import Split
from frontier.results.spec import Recipe


@dataclass(frozen=True)
class Images:
    """`pixels` uint8 (N, C, H, W) and `labels` int64 (N,), both on the device."""

    pixels: Tensor
    labels: Tensor

    @classmethod
    def of(cls, split: Split, device: torch.device) -> Images:
        return cls(torch.tensor(split.images, device=device), torch.tensor(split.labels, device=device))

    def __len__(self) -> int:
        return len(self.labels)


def to_unit(pixels: Tensor) -> Tensor:
    """uint8 -> float32 in [0, 1]."""
    return pixels.to(torch.float32).div_(255)


def generator(*parts: int) -> torch.Generator:
    """A CPU generator seeded by several integers (torch's SplitMix-style seeding mixes only one)."""
    seed = 0
    for part in parts:
        seed = (seed * 1_000_003 + part + 1) % (2**63 - 1)
    return torch.Generator().manual_seed(seed)


def steps_per_epoch(images: int, batch: int) -> int:
    """The last, smaller batch counts, unless it holds one image alone: batch norm has no variance of that."""
    return images // batch + (1 if images % batch > 1 else 0) or 1


def epoch(images: Images, recipe: Recipe, *, seed: int, number: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of one training epoch: (pixels float32 in [0,1] (B, C, H, W), labels (B,)).

    Order and augmentation depend on (seed, number) alone, so an epoch can be repeated after a crash.
    """
    dice = generator(seed, number)
    order = torch.randperm(len(images), generator=dice).to(images.labels.device)
    for step in range(steps_per_epoch(len(images), recipe.batch)):
        chosen = order[step * recipe.batch : (step + 1) * recipe.batch]
        pixels = images.pixels[chosen]
        if recipe.augment == "flip_crop":
            pixels = flip_crop(pixels, recipe.crop_padding, dice)
        yield to_unit(pixels), images.labels[chosen]


def flip_crop(pixels: Tensor, padding: int, dice: torch.Generator) -> Tensor:
    """Mirror each image with probability 1/2, pad it with zeros and cut the old size at a random place."""
    count, _, height, width = pixels.shape
    device = pixels.device
    mirrored = (torch.rand(count, generator=dice) < 0.5).to(device)
    pixels = torch.where(mirrored[:, None, None, None], pixels.flip(3), pixels)
    if not padding:
        return pixels
    padded = torch.nn.functional.pad(pixels, (padding,) * 4)
    top, left = torch.randint(0, 2 * padding + 1, (2, count), generator=dice).to(device)
    rows = top[:, None] + torch.arange(height, device=device)
    columns = left[:, None] + torch.arange(width, device=device)
    image = torch.arange(count, device=device)[:, None, None]
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
