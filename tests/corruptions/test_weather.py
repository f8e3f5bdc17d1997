"""Fog, frost, snow, spatter and saturate do what make_cifar_c.py (hendrycks/robustness) says, step by step."""

import colorsys

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import gaussian_filter
from skimage.color import hsv2rgb, rgb2hsv
from skimage.filters import gaussian

from frontier.corruptions import fog, frost, saturate, snow, spatter
from frontier.corruptions._apply import SEVERITIES, apply
from frontier.corruptions._ice import textures
from frontier.corruptions._luma import luma
from frontier.corruptions._outlines import PIXEL, distance, outlines

SIZES = [(32, 32), (8, 8), (64, 48), (1, 5)]


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


def _plasma_point_by_point(noise: npt.NDArray[np.float64], decay: float) -> npt.NDArray[np.float64]:
    side = len(noise)
    heights = np.zeros((side, side))
    step, wibble = side, 100.0
    while step > 1:
        half = step // 2
        for diagonal in (True, False):
            for row in range(0, side, half):
                for column in range(0, side, half):
                    odd = (row // half % 2) + (column // half % 2)
                    if odd != (2 if diagonal else 1):
                        continue
                    ways = [(-1, -1), (-1, 1), (1, -1), (1, 1)] if diagonal else [(-1, 0), (1, 0), (0, -1), (0, 1)]
                    around = [heights[(row + i * half) % side, (column + j * half) % side] for i, j in ways]
                    heights[row, column] = sum(around) / 4 + wibble * (wibble * noise[row, column])
        step, wibble = half, wibble / decay
    return (heights - heights.min()) / (heights.max() - heights.min())


def test_plasma_is_diamond_square_on_a_torus(rng: np.random.Generator) -> None:
    noise = rng.uniform(-1, 1, (3, 16, 16))
    expected = np.stack([_plasma_point_by_point(one, 1.75) for one in noise])
    assert fog.plasma(noise, 1.75) == pytest.approx(expected, abs=1e-12)


def test_plasma_gets_rougher_the_slower_its_wibble_decays(rng: np.random.Generator) -> None:
    noise = rng.uniform(-1, 1, (20, 32, 32))
    steps = [float(np.abs(np.diff(fog.plasma(noise, decay), axis=2)).mean()) for decay in (3.0, 2.5, 2.0, 1.75)]
    assert steps == sorted(steps)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_fog_keeps_the_order_of_brightness_within_the_images_own_maximum(severity: int) -> None:
    """A flat image g becomes (g + a f) g / (g + a), so at the cloud's ends g g / (g + a) and g."""
    amplitude = fog.PARAMETERS[severity - 1][0]
    grey = np.full((3, 3, 32, 32), 102, dtype=np.uint8)
    foggy = apply("fog", grey, severity, seed=0)
    assert foggy.max(axis=(1, 2, 3)).tolist() == pytest.approx([102] * 3, abs=1)
    assert foggy.min(axis=(1, 2, 3)).tolist() == pytest.approx([102 * 0.4 / (0.4 + amplitude)] * 3, abs=1)


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


@pytest.mark.parametrize("severity", SEVERITIES)
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


@pytest.mark.parametrize("severity", SEVERITIES)
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


def _stacks(rng: np.random.Generator) -> list[npt.NDArray[np.uint8]]:
    """Liquids of every water severity, soft random images, and images without any outline."""
    stacks = [np.full((2, 9, 7), 180, dtype=np.uint8)]
    for size in SIZES:
        soft = gaussian_filter(rng.uniform(0, 255, (20, *size)), (0, 0.7, 0.7))
        stacks.append(soft.astype(np.uint8))
        for mean, spread, blur, threshold, _, kind in spatter.PARAMETERS:
            if kind == 0:
                layers = spatter.liquid(rng.normal(mean, spread, (20, *size)), blur, threshold)
                stacks.append((np.minimum(layers, 1) * 255).astype(np.uint8))
    return stacks


def test_spatter_liquid_is_blurred_as_by_scikit_image(rng: np.random.Generator) -> None:
    noise = rng.normal(0.65, 0.1, (3, 32, 32))
    expected = np.stack([gaussian(one, sigma=0.7) for one in noise])
    expected[expected < 0.7] = 0
    assert spatter.liquid(noise, 0.7, 0.7) == pytest.approx(expected, abs=1e-12)


def test_outlines_are_opencvs_canny(rng: np.random.Generator) -> None:
    for layers in _stacks(rng):
        expected = np.stack([cv2.Canny(layer, 50, 150) > 0 for layer in layers])
        assert np.array_equal(outlines(layers, 50, 150), expected)


def test_distances_are_opencvs(rng: np.random.Generator) -> None:
    """To 1e-5 pixels; OpenCV adds up in single precision."""
    for layers in _stacks(rng):
        edges = outlines(layers, 50, 150)
        measured = [cv2.distanceTransform(np.where(one, 0, 255).astype(np.uint8), cv2.DIST_L2, 5) for one in edges]
        assert np.abs(distance(edges, 20) / PIXEL - np.minimum(np.stack(measured), 20)).max() < 1e-5


def test_distances_go_no_further_than_asked_and_not_to_other_images() -> None:
    edges = np.zeros((2, 3, 30), dtype=bool)
    edges[0, 0, 0] = True
    assert (distance(edges, 20)[0, 0] / PIXEL).tolist() == [min(column, 20) for column in range(30)]
    assert (distance(edges, 20)[1] == 20 * PIXEL).all()


def test_equalisation_is_opencvs(rng: np.random.Generator) -> None:
    for layers in [*_stacks(rng), rng.integers(40, 60, (5, 6, 6), dtype=np.uint8)]:
        assert np.array_equal(spatter.equalized(layers), np.stack([cv2.equalizeHist(layer) for layer in layers]))


def test_relief_is_opencvs_filter_and_box(rng: np.random.Generator) -> None:
    kernel = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    for layers in _stacks(rng):
        expected = [cv2.blur(cv2.filter2D(layer, cv2.CV_8U, kernel), (3, 3)) for layer in layers]
        assert np.array_equal(spatter.relief(layers), np.stack(expected))


def _glitter_by_opencv(layer: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    away = cv2.distanceTransform(255 - cv2.Canny(layer, 50, 150), cv2.DIST_L2, 5)
    away = cv2.blur(np.minimum(away, np.float32(20)), (3, 3)).astype(np.uint8)
    kernel = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    light = layer * cv2.blur(cv2.filter2D(cv2.equalizeHist(away), cv2.CV_8U, kernel), (3, 3)).astype(np.float64)
    return light / max(light.max(), 1)


def test_glitter_is_opencvs_from_end_to_end(rng: np.random.Generator) -> None:
    """All pixels but one in a thousand: a mean distance that is a whole number may be truncated either way."""
    for layers in _stacks(rng):
        expected = np.stack([_glitter_by_opencv(layer) for layer in layers])
        assert (np.abs(spatter.glitter(layers) - expected) > 1e-12).mean() <= 1e-3


def test_spatter_without_liquid_leaves_the_image_alone() -> None:
    assert (spatter.glitter(np.zeros((2, 32, 32), dtype=np.uint8)) == 0).all()


@pytest.mark.parametrize(("severity", "colour"), [(1, (175, 238, 238)), (3, (175, 238, 238)), (4, (63, 42, 20))])
def test_spatter_is_pale_turquoise_or_brown(severity: int, colour: tuple[int, ...]) -> None:
    """Water on black reaches half its colour, mud on white its own; elsewhere both leave the image as it is."""
    before = 0 if severity < 4 else 255
    splashed = apply("spatter", np.full((20, 3, 32, 32), before, dtype=np.uint8), severity, seed=0)
    darkest = splashed.min(axis=(0, 2, 3)) if before else splashed.max(axis=(0, 2, 3))
    assert darkest.tolist() == pytest.approx([level * (1 if before else 0.5) for level in colour], abs=3)
    assert (splashed == before).all(axis=1).mean() > 0.5


def test_mud_covers_where_its_blurred_mask_reaches_four_fifths(rng: np.random.Generator) -> None:
    mask = rng.random((3, 32, 32)) > 0.3
    expected = np.stack([gaussian(one.astype(float), sigma=0.6) for one in mask])
    expected[expected < 0.8] = 0
    assert spatter.cover(mask, 0.6) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_share_of_liquid_is_alike_at_other_sizes(severity: int) -> None:
    mean, spread, blur, threshold, _, _ = spatter.PARAMETERS[severity - 1]
    shares = []
    for scale, side in ((1, 128), (0.25, 32), (2, 256)):
        wide = spread * spatter.blurred_spread(blur) / spatter.blurred_spread(blur * scale)
        noise = np.random.default_rng(0).normal(mean, wide, (8, side, side))
        shares.append(float((spatter.liquid(noise, blur * scale, threshold) > 0).mean()))
    assert shares[1:] == pytest.approx([shares[0]] * 2, rel=0.2)
