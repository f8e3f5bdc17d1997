"""The three views of a batch: its halves, its crops and its dice (RLNet's fact R4), and the rates of an epoch."""

import pytest
import torch
from torch import Tensor

from frontier.results.spec import Recipe
from frontier.training.batches import Images
from frontier.training.views import Rates, Views, dice_of

CROPPED = Recipe(epochs=1, lr=0.1, augment="flip_crop", crop_padding=2)


def images(count: int) -> Images:
    dice = torch.Generator().manual_seed(0)
    return Images(torch.randint(0, 256, (count, 1, 8, 8), generator=dice, dtype=torch.uint8), torch.arange(count) % 4)


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_r4_the_halves_are_disjoint_and_hold_every_image(count: int) -> None:
    pixels = torch.arange(count, dtype=torch.float32).view(-1, 1, 1, 1).expand(count, 1, 6, 6) / 255
    labels = torch.arange(count)
    views = Views.of(pixels, labels, CROPPED.model_copy(update={"augment": "none"}), 0)
    clean, other = ((part[:, 0, 0, 0] * 255).round().int().tolist() for part in (views.clean, views.other))
    assert clean + other == list(range(count))
    assert len(clean) == ((count + 1) // 2 if count >= 4 else count)  # one image alone has no variance
    assert [part.tolist() for part in views.labels] == [clean, clean, other]
    assert views.augmented.shape == views.clean.shape


def test_r4_clean_and_augmix_are_cropped_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontier.training.views.augmix", lambda pixels, dice: pixels)
    batch = images(16)
    views = Views.of(batch.pixels / 255, batch.labels, CROPPED, 0)
    assert not torch.equal(views.clean, views.augmented)
    uncropped = Views.of(batch.pixels / 255, batch.labels, CROPPED.model_copy(update={"augment": "none"}), 0)
    assert torch.equal(uncropped.clean, uncropped.augmented)
    assert torch.equal(uncropped.clean, batch.pixels[:8] / 255)


def test_r4_a_batch_rolls_dice_of_its_own() -> None:
    pixels = images(8).pixels / 255

    def roll(batch: Tensor, seed: int = 0) -> float:
        return float(torch.rand((), generator=dice_of(batch, seed)))

    assert roll(pixels) == roll(pixels.clone())
    assert len({roll(pixels), roll(pixels, 1), roll(pixels.flip(0)), roll(images(9).pixels[1:] / 255)}) == 4


def test_rates_are_those_of_the_clean_and_the_attacked_view_and_begin_anew() -> None:
    logits, rates = torch.eye(4), Rates()
    right, wrong = torch.arange(4), torch.tensor([0, 1, 2, 2])
    rates.add([logits, logits, logits], [right, wrong, wrong])
    rates.add([logits, logits], [wrong, wrong, wrong[:0]])  # a batch of one has no attacked half
    assert rates.taken() == {"clean": 7 / 8, "adversarial": 3 / 4}
    assert rates.taken() == {}
