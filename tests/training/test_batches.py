"""Batches: each image once an epoch, the same order for the same seed."""

import torch

from frontier.results.spec import Recipe
from frontier.training.batches import Images, epoch, flip_crop, generator, steps_per_epoch

IMAGES = Images(torch.arange(50, dtype=torch.uint8).reshape(50, 1, 1, 1).expand(50, 1, 4, 4), torch.arange(50))


def labels(seed: int, number: int, batch: int = 16) -> list[int]:
    recipe = Recipe(epochs=1, lr=1, batch=batch)
    return [int(label) for _, part in epoch(IMAGES, recipe, seed=seed, number=number) for label in part]


def test_an_epoch_shows_every_image_once() -> None:
    assert sorted(labels(0, 0)) == list(range(50))


def test_order_depends_on_seed_and_epoch_alone() -> None:
    assert labels(0, 1) == labels(0, 1)
    assert labels(0, 1) != labels(0, 2)
    assert labels(0, 1) != labels(1, 1)


def test_a_last_image_alone_is_left_out_because_batch_norm_needs_two() -> None:
    assert (steps_per_epoch(50_000, 128), steps_per_epoch(52, 10), steps_per_epoch(51, 25)) == (391, 6, 2)
    assert len(labels(0, 0, batch=49)) == 49


def test_pixels_are_in_unit_range() -> None:
    recipe = Recipe(epochs=1, lr=1, batch=50)
    ((pixels, found),) = epoch(IMAGES, recipe, seed=0, number=0)
    torch.testing.assert_close(pixels[:, 0, 0, 0], found / 255)


def test_flip_crop_without_padding_only_mirrors() -> None:
    pixels = torch.arange(16, dtype=torch.uint8).reshape(1, 1, 4, 4).repeat(64, 1, 1, 1)
    changed = flip_crop(pixels, 0, generator(0))
    mirrored = (changed == pixels.flip(3)).flatten(1).all(1)
    assert (mirrored | (changed == pixels).flatten(1).all(1)).all()
    assert 16 < int(mirrored.sum()) < 48


def test_flip_crop_cuts_a_window_of_the_padded_image() -> None:
    pixels = torch.arange(1, 17, dtype=torch.uint8).reshape(1, 1, 4, 4)
    padded = torch.nn.functional.pad(pixels, (2, 2, 2, 2))
    windows = [w[..., y : y + 4, x : x + 4] for w in (padded, padded.flip(3)) for y in range(5) for x in range(5)]
    for seed in range(20):
        changed = flip_crop(pixels, 2, generator(seed))
        assert any(torch.equal(changed, window) for window in windows)
