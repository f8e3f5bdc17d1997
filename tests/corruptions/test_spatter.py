"""Spatter does what make_cifar_c.py (hendrycks/robustness) says, step by step and from end to end, beside OpenCV."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from one_by_one import Images, Numbers, glitter, in_channels, lost
from scipy.ndimage import gaussian_filter
from skimage.filters import gaussian

from frontier.corruptions import spatter
from frontier.corruptions._apply import SEVERITIES, apply
from frontier.corruptions._outlines import PIXEL, distance, outlines

SIZES = [(32, 32), (8, 8), (64, 48), (1, 5)]
SHAPES = [(6, 32, 32, 3), (4, 48, 40, 3), (6, 16, 20, 1)]
Parameters = tuple[float, float, float, float, float, int]

severities = pytest.mark.parametrize("severity", SEVERITIES)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


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


def test_glitter_is_opencvs_from_end_to_end(rng: np.random.Generator) -> None:
    """All pixels but one in a thousand: a mean distance that is a whole number may be truncated either way."""
    for layers in _stacks(rng):
        expected = np.stack([glitter(layer) for layer in layers])
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


@severities
def test_share_of_liquid_is_alike_at_other_sizes(severity: int) -> None:
    mean, spread, blur, threshold, _, _ = spatter.PARAMETERS[severity - 1]
    shares = []
    for scale, side in ((1, 128), (0.25, 32), (2, 256)):
        wide = spread * spatter.blurred_spread(blur) / spatter.blurred_spread(blur * scale)
        noise = np.random.default_rng(0).normal(mean, wide, (8, side, side))
        shares.append(float((spatter.liquid(noise, blur * scale, threshold) > 0).mean()))
    assert shares[1:] == pytest.approx([shares[0]] * 2, rel=0.2)


def _spread(blur: float) -> float:
    """What a blur leaves of the spread of white noise."""
    impulse = np.zeros((41, 41))
    impulse[20, 20] = 1
    return float(np.sqrt((gaussian(impulse, sigma=blur) ** 2).sum()))


def _splashed(image: Numbers, noise: Numbers, parameters: Parameters) -> Numbers:
    """One image (H, W, C) of numbers in [0, 1] under its noise (H, W), normal with mean 0 and spread 1."""
    mean, spread, blur, threshold, strength, kind = parameters
    scale = min(image.shape[:2]) / 32
    spread *= _spread(blur) / _spread(blur * scale)
    liquid = gaussian(mean + spread * noise, sigma=blur * scale)
    liquid[liquid < threshold] = 0
    if kind == 0:
        light = strength * glitter((np.minimum(liquid, 1) * 255).astype(np.uint8))[..., None]
        return image + light * in_channels((175, 238, 238), image.shape[2])
    mud = gaussian((liquid > threshold).astype(float), sigma=strength * scale)[..., None]
    mud[mud < 0.8] = 0
    return image * (1 - mud) + mud * in_channels((63, 42, 20), image.shape[2])


def _odd_ones(shape: tuple[int, ...], severity: int, parameters: Parameters) -> float:
    """The share of elements that are other than what splashing one image after the other gives."""
    images = np.random.default_rng(0).integers(0, (60, 120, 250)[: shape[3]], shape, dtype=np.uint8)
    noise = np.random.default_rng(7).normal(size=shape[:3])
    expected = [_splashed(image, drawn, parameters) for image, drawn in zip(images / 255, noise, strict=True)]
    splashed: Images = spatter.corrupt(images, severity, np.random.default_rng(7))
    assert not np.array_equal(splashed, images)
    missing = lost(splashed, expected)
    return float(((missing < -1e-6) | (missing > 1 + 1e-6)).mean())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@severities
def test_spatter_is_splashed_over_one_image_after_the_other(shape: tuple[int, ...], severity: int) -> None:
    """All elements but one in a thousand, for the truncation of `test_glitter_is_opencvs_from_end_to_end`."""
    assert _odd_ones(shape, severity, spatter.PARAMETERS[severity - 1]) <= 1e-3


@pytest.mark.parametrize(
    "parameters",
    [(0.6, 0.2, 0.9, 0.66, 0.8, 0), (0.6, 0.2, 0.9, 0.66, 0.9, 1), (0.9, 0.3, 0.7, 0.7, 0.3, 0)],
    ids=["stronger water", "softer mud", "water above 1"],
)
def test_spatter_goes_by_its_parameters(parameters: Parameters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever they are: the table's water is of one strength."""
    monkeypatch.setattr(spatter, "PARAMETERS", (parameters,))
    assert _odd_ones(SHAPES[0], 1, parameters) <= 1e-3
