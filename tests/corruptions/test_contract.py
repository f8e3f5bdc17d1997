"""What every corruption must be, at 1 and 3 channels, on CIFAR's size and on others."""

from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from frontier import registry
from frontier.corruptions import _apply
from frontier.corruptions._apply import FAMILIES, SEVERITIES, apply, family

NAMES = registry.names("corruption")
WITHOUT_CHANCE = {
    *("brightness", "contrast", "defocus_blur", "gaussian_blur", "jpeg_compression", "pixelate", "posterize"),
    *("saturate", "zoom_blur"),
}
SHAPES = [(3, 3, 32, 32), (3, 1, 8, 8), (2, 3, 64, 48)]


def _images(shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_has_one_parameter_a_severity_a_family_and_a_source(name: str) -> None:
    module = registry.load("corruption", name)
    assert len(module.PARAMETERS) == len(SEVERITIES)
    assert "Source:" in module.__doc__
    assert family(name) in (*FAMILIES, "own")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_keeps_type_and_shape_and_leaves_the_input_alone(name: str, shape: tuple[int, ...]) -> None:
    images = _images(shape)
    without_colour = shape[1] == 1 and getattr(registry.load("corruption", name), "COLOUR_ONLY", False)
    for severity in SEVERITIES:
        corrupted = apply(name, images, severity, seed=0)
        assert corrupted.dtype == np.uint8
        assert corrupted.shape == shape
        if severity > 1 or min(shape[2:]) >= 32:  # severity 1 may be less than a pixel of a smaller image
            assert np.array_equal(corrupted, images) == without_colour
    assert np.array_equal(images, _images(shape))


@pytest.mark.parametrize("name", NAMES)
def test_black_and_white_images_stay_images(name: str) -> None:
    for level in (0, 255):
        images = np.full((2, 3, 32, 32), level, dtype=np.uint8)
        assert abs(float(apply(name, images, 1, seed=0).mean()) - level) < 30


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_output(name: str) -> None:
    images = _images((4, 3, 32, 32))
    first = apply(name, images, 3, seed=7)
    np.random.default_rng().random(10)
    assert np.array_equal(apply(name, images, 3, seed=7), first)
    assert np.array_equal(apply(name, np.asfortranarray(images), 3, seed=7), first)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_corrupted_alike_whatever_follows_it(name: str) -> None:
    images = _images((5, 1, 8, 8))
    assert np.array_equal(apply(name, images[:2], 2, seed=1), apply(name, images, 2, seed=1)[:2])


@pytest.mark.parametrize("name", NAMES)
def test_copies_of_an_image_are_corrupted_alike_only_without_chance(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the random stream begin anew where the next images are corrupted, here two at once: of seven, no more
    than two may come out alike by chance, as from two neighbouring angles."""
    monkeypatch.setattr(_apply, "_BLOCK", 2)
    copies = np.repeat(_images((1, 3, 32, 32)), 7, axis=0)
    different = {one.tobytes() for one in apply(name, copies, 4, seed=0)}
    assert len(different) == 1 if name in WITHOUT_CHANCE else len(different) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_where_the_work_is_cut_plays_no_part(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images = _images((7, 3, 32, 32))
    at_once = apply(name, images, 4, seed=0)
    monkeypatch.setattr(_apply, "_BLOCK", 2)
    assert np.array_equal(apply(name, images, 4, seed=0), at_once)


@pytest.mark.parametrize("name", NAMES)
def test_no_images_give_no_images(name: str) -> None:
    assert apply(name, _images((0, 3, 32, 32)), 1, seed=0).shape == (0, 3, 32, 32)


@pytest.mark.parametrize(
    ("shape", "largest"), [((1200, 3, 32, 32), 1000), ((1200, 1, 8, 8), 1000), ((9, 3, 448, 448), 5)]
)
def test_only_as_much_is_corrupted_at_once_as_a_thousand_images_of_cifar(
    shape: tuple[int, ...], largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def corrupt(images: npt.NDArray[np.uint8], severity: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
        seen.append(len(images))
        return images

    monkeypatch.setattr(registry, "load", lambda axis, name: SimpleNamespace(corrupt=corrupt))
    apply("any", np.zeros(shape, dtype=np.uint8), 1, seed=0)
    assert (max(seen), sum(seen)) == (largest, shape[0])
