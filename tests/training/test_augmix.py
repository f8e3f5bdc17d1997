"""AugMix: its nine operations, their magnitudes, and a convex mixture that one seed decides."""

import builtins
from typing import Any

import numpy as np
import pytest
import torch

from frontier.errors import BlockedError, InputError
from frontier.training import augmix as module
from frontier.training.augmix import OPERATIONS, augmix, magnitude, mixture, operate, to_picture, to_pixels


def images(channels: int = 3, count: int = 6) -> torch.Tensor:
    dice = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, 12, 16), generator=dice, dtype=torch.uint8)


def test_r6_there_are_nine_operations_and_none_is_a_common_corruption() -> None:
    assert set(OPERATIONS) == {
        "autocontrast", "equalize", "posterize", "rotate", "solarize", "shear_x", "shear_y", "translate_x",
        "translate_y",
    }  # fmt: skip
    assert len(OPERATIONS) == 9
    assert not {"color", "contrast", "brightness", "sharpness"} & set(OPERATIONS)


def test_r6_chains_have_one_to_three_operations_all_of_them_occur_and_levels_stay_in_range(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    levels: list[float] = []
    names: list[str] = []
    depths: list[int] = []
    chain = module.chain

    def strength(operation: str, level: float, side: int) -> float:
        levels.append(level)
        names.append(operation)
        return magnitude(operation, level, side)

    def counted(image: module.Pixels, dice: np.random.Generator) -> module.Pixels:
        before = len(names)
        changed = chain(image, dice)
        depths.append(len(names) - before)
        return changed

    monkeypatch.setattr(module, "magnitude", strength)
    monkeypatch.setattr(module, "chain", counted)
    augmix(images(count=30), np.random.default_rng(0))
    assert len(depths) == 30 * module.WIDTH == 90
    assert set(depths) == {1, 2, 3}
    assert set(names) == set(OPERATIONS)
    assert 0.1 <= min(levels) < 0.5
    assert 2.5 < max(levels) <= 3.0


@pytest.mark.parametrize(
    ("operation", "level", "expected"),
    [
        ("posterize", 3.0, 1), ("posterize", 2.4, 0), ("solarize", 3.0, 76), ("solarize", 0.1, 2), ("rotate", 3.0, 9),
        ("rotate", 0.3, 0), ("shear_x", 3.0, 0.09), ("shear_y", 1.0, 0.03), ("translate_x", 3.0, 3),
        ("translate_y", 1.0, 1), ("autocontrast", 3.0, 0), ("equalize", 3.0, 0),
    ],
)  # fmt: skip
def test_r6_magnitudes_are_the_authors(operation: str, level: float, expected: float) -> None:
    assert magnitude(operation, level, 32) == pytest.approx(expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_operations_do_what_they_are_called(channels: int) -> None:
    image = images(channels, 1)[0].numpy() / np.float32(255)
    picture = to_picture(image)
    assert np.array_equal(to_pixels(picture), image)
    raw = np.rint(image * 255).astype(np.uint8)

    def bytes_after(operation: str, amount: float) -> np.ndarray[Any, Any]:
        changed = to_pixels(operate(picture, operation, amount))
        assert changed.shape == image.shape
        return np.rint(changed * 255).astype(np.uint8)

    assert np.array_equal(bytes_after("posterize", 1), raw & 0b11100000)
    assert np.array_equal(bytes_after("solarize", -76), np.where(raw < 180, raw, 255 - raw))
    assert np.array_equal(bytes_after("translate_x", 2)[:, :, :-2], raw[:, :, 2:])
    assert np.array_equal(bytes_after("translate_y", -2)[:, 2:], raw[:, :-2])
    assert np.array_equal(bytes_after("rotate", 0), raw)
    for operation in ("shear_x", "shear_y"):
        assert not np.array_equal(bytes_after(operation, 0.09), raw)
    grey = np.full_like(image, 0.5)
    grey[:, 0] = 0.25
    assert to_pixels(operate(to_picture(grey), "autocontrast", 0)).max() == 1
    assert to_pixels(operate(to_picture(image), "equalize", 0)).shape == image.shape


def test_r6_a_mixture_is_convex_and_a_share_of_zero_returns_the_input() -> None:
    dice = np.random.default_rng(0)
    image = dice.random((3, 4, 4), dtype=np.float32)
    chains = [dice.random((3, 4, 4), dtype=np.float32) for _ in range(3)]
    weights = dice.dirichlet([1.0, 1.0, 1.0])
    assert np.array_equal(mixture(image, chains, weights, 0.0), image)
    everything = np.stack([image, *chains])
    mixed = mixture(image, chains, weights, 0.7)
    assert (mixed <= everything.max(axis=0) + 1e-6).all()
    assert (mixed >= everything.min(axis=0) - 1e-6).all()
    np.testing.assert_allclose(mixture(image, [image] * 3, weights, 0.7), image, rtol=1e-6)
    by_hand = 0.3 * image + 0.7 * sum(w * c for w, c in zip(weights, chains, strict=True))
    np.testing.assert_allclose(mixed, by_hand, rtol=1e-5)


class NoShare(np.random.Generator):
    """Dice whose Beta is always 0."""

    def beta(self, *args: Any, **kwargs: Any) -> Any:
        return 0.0


def test_r6_with_no_share_a_whole_batch_comes_back() -> None:
    pixels = images()
    assert torch.equal(augmix(pixels, NoShare(np.random.PCG64(0))), pixels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("floating", [False, True])
def test_r6_one_seed_one_result_in_the_same_form(channels: int, floating: bool) -> None:
    pixels = images(channels) / 255 if floating else images(channels)
    before = pixels.clone()
    first, second = (augmix(pixels, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, augmix(pixels, np.random.default_rng(4)))
    assert (first.shape, first.dtype) == (pixels.shape, pixels.dtype)
    assert first.min() >= 0
    assert first.max() <= (1 if floating else 255)
    assert torch.equal(pixels, before)


def test_an_empty_batch_stays_empty() -> None:
    assert augmix(images(count=0), np.random.default_rng(0)).shape == (0, 3, 12, 16)


def test_other_channels_are_refused() -> None:
    with pytest.raises(InputError, match="not images"):
        augmix(images(2), np.random.default_rng(0))


def test_without_pillow_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "PIL":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BlockedError, match="pip install pillow"):
        augmix(images(), np.random.default_rng(0))
