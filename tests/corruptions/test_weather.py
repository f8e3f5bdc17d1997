"""Fog, frost, snow and saturate do what make_cifar_c.py (hendrycks/robustness) says, step by step."""

import colorsys
import math

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from one_by_one import GREY, Images, Numbers, dragged, enlarged, lost, plasma
from skimage.color import hsv2rgb, rgb2hsv

from frontier.corruptions import fog, frost, saturate, snow
from frontier.corruptions._apply import SEVERITIES, apply
from frontier.corruptions._ice import textures
from frontier.corruptions._luma import luma

SHAPES = [(4, 32, 32, 3), (3, 40, 50, 3), (3, 12, 20, 1)]

shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
severities = pytest.mark.parametrize("severity", SEVERITIES)


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _varied(shape: tuple[int, ...]) -> Images:
    """Images (N, H, W, C) whose largest element differs from image to image and from channel to channel."""
    largest = np.linspace(60, 250, shape[0] * shape[3]).reshape(shape[0], 1, 1, shape[3])
    return (np.random.default_rng(0).random(shape) * largest).astype(np.uint8)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def images(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    return rng.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)


def test_fog_maps_are_the_next_power_of_two() -> None:
    assert [fog.side(*size) for size in [(32, 32), (8, 8), (64, 48), (33, 20), (1, 1)]] == [32, 8, 64, 64, 2]


@pytest.mark.parametrize("side", [2, 4, 32])
def test_plasma_runs_from_0_to_1_in_every_image(side: int, rng: np.random.Generator) -> None:
    maps = fog.plasma(rng.uniform(-1, 1, (5, side, side)), 2.0)
    assert maps.min(axis=(1, 2)).tolist() == [0.0] * 5
    assert maps.max(axis=(1, 2)).tolist() == [1.0] * 5


def test_plasma_is_diamond_square_on_a_torus(rng: np.random.Generator) -> None:
    noise = rng.uniform(-1, 1, (3, 16, 16))
    expected = np.stack([plasma(one, 1.75) for one in noise])
    assert fog.plasma(noise, 1.75) == pytest.approx(expected, abs=1e-12)


def test_plasma_gets_rougher_the_slower_its_wibble_decays(rng: np.random.Generator) -> None:
    noise = rng.uniform(-1, 1, (20, 32, 32))
    steps = [float(np.abs(np.diff(fog.plasma(noise, decay), axis=2)).mean()) for decay in (3.0, 2.5, 2.0, 1.75)]
    assert steps == sorted(steps)


@severities
def test_fog_keeps_the_order_of_brightness_within_the_images_own_maximum(severity: int) -> None:
    """A flat image g becomes (g + a f) g / (g + a), so at the cloud's ends g g / (g + a) and g."""
    amplitude = fog.PARAMETERS[severity - 1][0]
    grey = np.full((3, 3, 32, 32), 102, dtype=np.uint8)
    foggy = apply("fog", grey, severity, seed=0)
    assert foggy.max(axis=(1, 2, 3)).tolist() == pytest.approx([102] * 3, abs=1)
    assert foggy.min(axis=(1, 2, 3)).tolist() == pytest.approx([102 * 0.4 / (0.4 + amplitude)] * 3, abs=1)


@shapes
@severities
def test_fog_is_a_cloud_an_image_under_the_images_largest_element(shape: tuple[int, ...], severity: int) -> None:
    images, (amplitude, decay) = _varied(shape), fog.PARAMETERS[severity - 1]
    n, height, width, _ = shape
    side = 2 ** math.ceil(math.log2(max(height, width)))
    expected = []
    for image, noise in zip(images / 255, _rng().uniform(-1, 1, (n, side, side)), strict=True):
        cloud = plasma(noise, decay)[:height, :width, None]
        expected.append((image + amplitude * cloud) * image.max() / (image.max() + amplitude))
    missing = lost(fog.corrupt(images, severity, _rng()), expected)
    assert missing.min() > -1e-9
    assert missing.max() < 1 + 1e-9


def test_fog_of_black_is_black() -> None:
    black = np.zeros((1, 3, 32, 32), dtype=np.uint8)
    assert np.array_equal(apply("fog", black, 5, seed=0), black)


def test_ice_is_five_different_bluish_textures_of_the_stated_mean_and_spread() -> None:
    ice = textures()
    assert ice.shape == (5, 256, 256, 3)
    assert ice.mean() == pytest.approx(132, abs=1)
    assert ice.std() == pytest.approx(52, abs=1)
    red, green, blue = ice.mean(axis=(0, 1, 2))
    assert red < green < blue
    assert len({one.tobytes() for one in ice}) == 5


def test_ice_goes_on_at_the_other_end() -> None:
    ice = textures().astype(float)
    for axis in (1, 2):
        seam = np.abs(np.take(ice, 0, axis) - np.take(ice, -1, axis)).mean()
        assert seam < 1.5 * np.abs(np.diff(ice, axis=axis)).mean()


def _from(place: npt.NDArray[np.int64]) -> tuple[slice, slice]:
    _, top, left = place
    return slice(top, top + 32), slice(left, left + 20)


def test_frost_cuts_parts_of_the_textures_anywhere(rng: np.random.Generator) -> None:
    wrapped = np.pad(textures(), ((0, 0), (0, 31), (0, 19), (0, 0)), mode="wrap")
    places = []
    for part in np.rint(frost.cut(32, 20, 60, rng) * 255):
        alike = np.argwhere((textures() == part[0, 0]).all(axis=-1))
        found = [place for place in alike if (wrapped[place[0]][_from(place)] == part).all()]
        assert len(found) == 1
        places.append(found[0])
    assert {int(which) for which, _, _ in places} == {0, 1, 2, 3, 4}
    assert np.max(places, axis=0)[1:].min() > 236  # across the border


@severities
def test_frost_is_the_weighted_sum_with_ice(severity: int) -> None:
    kept, added = frost.PARAMETERS[severity - 1]
    black, grey = (np.full((2, 3, 32, 32), level, dtype=np.uint8) for level in (0, 100))
    ice = apply("frost", black, severity, seed=3) / (255 * added)
    frosted = apply("frost", grey, severity, seed=3).astype(float)
    assert np.abs(frosted - np.minimum(kept * 100 + added * 255 * ice, 255)).max() <= 2
    assert 0 < ice.std() < 1


def test_frost_on_grey_is_the_luma_of_frost_on_colour() -> None:
    colour = apply("frost", np.zeros((2, 3, 16, 16), dtype=np.uint8), 5, seed=1).transpose(0, 2, 3, 1)
    grey = apply("frost", np.zeros((2, 1, 16, 16), dtype=np.uint8), 5, seed=1)[:, 0, :, :, None]
    assert np.abs(luma(colour.astype(float)) - grey).max() <= 1


def test_frost_says_that_its_ice_is_drawn() -> None:
    assert "NOT its photographs" in str(frost.__doc__)


def test_luma_is_that_of_opencv(rng: np.random.Generator) -> None:
    pixels = rng.random((7, 9, 3))
    expected = cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2GRAY)
    assert luma(pixels)[..., 0] == pytest.approx(expected, abs=1e-6)


def test_snow_flakes_are_what_reaches_the_threshold_in_255ths() -> None:
    noise = np.array([0.59, 0.61, 1.4, -2.0]).reshape(1, 2, 2, 1)
    expected = np.array([0.0, int(0.61 * 255) / 255, 1.0, 0.0])
    assert snow.flakes(noise, 1.0, 0.6).ravel() == pytest.approx(expected)


def test_snow_by_hand() -> None:
    """Of x = (.2, .4, .6) the luma is .363, whitened 1.0445; kept .8 gives .8 x + .2089, and streaks fall twice."""
    pixels = np.full((1, 1, 2, 3), [0.2, 0.4, 0.6])
    streaks = np.array([0.1, 0.03]).reshape(1, 1, 2, 1)
    expected = np.array([0.2, 0.4, 0.6]) * 0.8 + 0.2 * (1.5 * 0.363 + 0.5) + 0.13
    assert snow.snowed(pixels, streaks, 0.8) == pytest.approx(np.broadcast_to(expected, (1, 1, 2, 3)))


def _snowed_on(image: Numbers, noise: Numbers, severity: int) -> Numbers:
    """One image (H, W, C) of numbers in [0, 1]; normal noise (H * W + 1,): its flakes, and the last for their angle."""
    mean, spread, zoom, threshold, radius, sigma, kept = snow.PARAMETERS[severity - 1]
    height, width, channels = image.shape
    scale = min(height, width) / 32
    degrees = -135 + 90 * (1 + math.erf(noise[-1] / math.sqrt(2))) / 2
    flakes = enlarged((mean + spread * noise[:-1]).reshape(height, width, 1), zoom)
    flakes[flakes < threshold] = 0
    flakes = (np.clip(flakes, 0, 1) * 255).astype(np.uint8) / 255
    streaks = dragged(flakes, max(round(radius * scale), 1), sigma * scale, degrees)
    grey = image if channels == 1 else (image @ GREY)[..., None]
    white = np.maximum(image, 1.5 * grey + 0.5)
    return kept * image + (1 - kept) * white + streaks + np.rot90(streaks, 2)


@shapes
@severities
def test_snow_is_laid_over_one_image_after_the_other(shape: tuple[int, ...], severity: int) -> None:
    images = _varied(shape)
    noise = _rng().normal(size=(shape[0], shape[1] * shape[2] + 1))
    expected = [_snowed_on(image, drawn, severity) for image, drawn in zip(images / 255, noise, strict=True)]
    missing = lost(snow.corrupt(images, severity, _rng()), expected)
    assert missing.min() > -1e-9
    assert missing.max() < 1 + 1e-9


def test_snow_never_darkens_and_falls_more_and_more(images: npt.NDArray[np.uint8]) -> None:
    gained = []
    for severity in SEVERITIES:
        gain = apply("snow", images, severity, seed=0).astype(int) - images
        assert gain.min() >= -1  # truncation
        gained.append(float(gain.mean()))
    assert gained == sorted(gained)


def test_snow_on_black_is_alike_after_half_a_turn_and_falls_steeply() -> None:
    flakes = apply("snow", np.zeros((200, 1, 32, 32), dtype=np.uint8), 3, seed=0).astype(float)
    assert np.abs(flakes - flakes[:, :, ::-1, ::-1]).max() <= 1
    down, across = (np.abs(np.diff(flakes, axis=axis)).mean() for axis in (2, 3))
    assert down < across


@severities
def test_saturate_is_that_of_scikit_image(severity: int, images: npt.NDArray[np.uint8]) -> None:
    images[0, :, :4] = np.arange(128, dtype=np.uint8).reshape(4, 32)  # grey pixels, and a black one
    factor, added = saturate.PARAMETERS[severity - 1]
    hsv = rgb2hsv(images.transpose(0, 2, 3, 1))
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + added, 0, 1)
    expected = 255 * hsv2rgb(hsv).transpose(0, 3, 1, 2)
    assert np.abs(apply("saturate", images, severity, seed=0) - expected).max() <= 1 + 1e-9


def test_saturate_keeps_hue_and_value_and_reddens_grey() -> None:
    colour = np.array([[[200, 150, 100]], [[100, 100, 100]]], dtype=np.uint8).transpose(0, 2, 1)[..., None]
    strong, reddened = apply("saturate", colour, 4, seed=0)[:, :, 0, 0] / 255
    hue, saturation, value = colorsys.rgb_to_hsv(*strong)
    assert (hue, saturation, value) == pytest.approx((30 / 360, 1.0, 200 / 255), abs=0.01)
    assert reddened * 255 == pytest.approx([100, 90, 90], abs=1)


def test_saturate_leaves_one_channel_alone() -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8)
    after = apply("saturate", grey, 5, seed=0)
    assert np.array_equal(after, grey)
    assert saturate.COLOUR_ONLY
