"""The blurs and warps, beside scikit-image, OpenCV and scipy, which take one image at a time."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from one_by_one import Images, Numbers, dragged, enlarged, levels, lost
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.filters import gaussian

from frontier.corruptions import elastic_transform, gaussian_blur, glass_blur, motion_blur, zoom_blur
from frontier.corruptions._apply import SEVERITIES, apply
from frontier.corruptions._motion import blurred, weights
from frontier.corruptions._pixels import scaled
from frontier.corruptions._zoom import clipped

SHAPES = [(3, 32, 32, 3), (3, 8, 8, 1), (2, 64, 48, 3)]
TINY = [(2, 1, 1, 1), (2, 2, 5, 1), (2, 3, 2, 3)]

shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
shapes_and_tiny = pytest.mark.parametrize("shape", SHAPES + TINY, ids=str)
severities = pytest.mark.parametrize("severity", SEVERITIES)


def _images(shape: tuple[int, ...]) -> Images:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _pixels(shape: tuple[int, ...]) -> Numbers:
    return np.random.default_rng(0).random(shape)


def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


@shapes
@severities
def test_gaussian_blur_is_scikit_images(shape: tuple[int, ...], severity: int) -> None:
    images = _images(shape)
    sigma = gaussian_blur.PARAMETERS[severity - 1]
    expected = [levels(gaussian(image / 255, sigma=sigma, channel_axis=-1)) for image in images]
    assert np.array_equal(gaussian_blur.corrupt(images, severity, _rng()), expected)


def _glass_as_it_runs(image: Images, severity: int, offsets: npt.NDArray[np.int8]) -> Images:
    """One image (H, W, C), pixel after pixel, with the swap of numpy views; offsets (times, 2, H, W)."""
    sigma, reach, times = glass_blur.PARAMETERS[severity - 1]
    height, width = image.shape[:2]
    x = np.uint8(gaussian(image / 255.0, sigma=sigma, channel_axis=-1) * 255)
    for time in range(times):
        for h in range(height - reach, reach, -1):
            for w in range(width - reach, reach, -1):
                near = h + offsets[time, 0, h, w], w + offsets[time, 1, h, w]
                x[h, w], x[near] = x[near], x[h, w]
    return levels(gaussian(x / 255.0, sigma=sigma, channel_axis=-1))


@shapes
@severities
def test_glass_blur_is_the_walk_over_the_pixels_of_one_image(shape: tuple[int, ...], severity: int) -> None:
    images = _images(shape)
    size = (shape[0], glass_blur.PARAMETERS[severity - 1][2], 2, *shape[1:3])
    offsets = _rng().integers(-1, 1, size=size, dtype=np.int8)
    expected = [_glass_as_it_runs(image, severity, drawn) for image, drawn in zip(images, offsets, strict=True)]
    assert np.array_equal(glass_blur.corrupt(images, severity, _rng()), expected)


def test_glass_blur_1_only_moves_pixels_and_never_in_the_first_two_rows_and_columns() -> None:
    image = np.arange(1024, dtype=np.uint16).reshape(1, 32, 32)
    pixels = np.stack([image >> 8, image & 255], axis=-1).astype(np.uint8)[..., [0, 1, 1]]
    moved = glass_blur.corrupt(pixels, 1, _rng())
    came_from = moved[0, :, :, 0].astype(int) * 256 + moved[0, :, :, 1]
    steps = image[0] - came_from
    assert set(np.unique(steps[2:, 2:]).tolist()) == {0, 1, 32, 33}
    assert not steps[:2].any()
    assert not steps[:, :2].any()
    shares = np.array([(steps[2:, 2:] == step).mean() for step in (0, 1, 32, 33)])
    assert shares == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize(("radius", "sigma"), motion_blur.PARAMETERS)
def test_motion_weights_are_half_a_gaussian(radius: int, sigma: float) -> None:
    half = weights(radius, sigma)
    assert len(half) == 2 * radius + 1
    assert half.sum() == pytest.approx(1)
    steps = np.arange(len(half))
    assert half / half[0] == pytest.approx(np.exp(-(steps**2) / (2 * sigma**2)))


@shapes_and_tiny
@pytest.mark.parametrize(("radius", "sigma"), [(1, 0.25), (6, 1.0), (9, 2.5), (14, 12.0)])
def test_motion_is_opencvs_filter_along_each_images_angle(shape: tuple[int, ...], radius: int, sigma: float) -> None:
    pixels = _pixels(shape)
    degrees = np.array([-131.0, 30.0, 44.0])[: len(pixels)]  # at 30 every other step is a half
    expected = [dragged(*one) for one in zip(pixels, [radius] * 3, [sigma] * 3, degrees, strict=False)]
    assert blurred(pixels, radius, sigma, degrees) == pytest.approx(np.array(expected), abs=1e-12)


def test_motion_at_0_degrees_trails_to_the_left_and_at_90_upwards() -> None:
    dot = np.zeros((2, 9, 9, 1))
    dot[:, 4, 4] = 1
    trails = blurred(dot, 1, 1.0, np.array([0.0, 90.0]))[..., 0]
    assert trails[0, 4, 2:5].tolist() == weights(1, 1.0)[::-1].tolist()
    assert trails[1, 2:5, 4].tolist() == weights(1, 1.0)[::-1].tolist()
    assert trails.sum() == pytest.approx(2)


@severities
def test_motion_blur_draws_an_angle_an_image_and_scales_its_lengths(severity: int) -> None:
    radius, sigma = motion_blur.PARAMETERS[severity - 1]
    for side, times in ((32, 1), (64, 2)):
        images = _images((3, side, side, 3))
        degrees = _rng().uniform(-45, 45, size=3)
        expected = [
            dragged(image / 255, radius * times, sigma * times, one) for image, one in zip(images, degrees, strict=True)
        ]
        missing = lost(motion_blur.corrupt(images, severity, _rng()), expected)
        assert missing.min() > -1e-9
        assert missing.max() < 1 + 1e-9


def test_zoom_blur_1_leaves_8_pixels_as_they_are() -> None:
    images = _images((3, 8, 8, 1))
    assert np.array_equal(zoom_blur.corrupt(images, 1, _rng()), images)
    assert not np.array_equal(zoom_blur.corrupt(images, 2, _rng()), images)


def test_lengths_scale_with_the_shorter_side() -> None:
    assert [scaled(6, np.zeros((1, *sides, 3))) for sides in ((32, 32), (64, 48), (8, 8))] == [6, 9, 1.5]


@shapes_and_tiny
@pytest.mark.parametrize("factor", [1, 1.01, 1.05, 1.13, 1.25, 1.75, 2.25])
def test_enlarging_is_scipys_zoom_of_a_centred_crop(shape: tuple[int, ...], factor: float) -> None:
    pixels = _pixels(shape)
    expected = np.array([enlarged(image, factor) for image in pixels])
    assert clipped(pixels, factor) == pytest.approx(expected, abs=1e-12)


def test_enlarging_by_1_changes_nothing() -> None:
    pixels = _pixels((2, 9, 8, 3))
    assert np.array_equal(clipped(pixels, 1), pixels)


@shapes
@severities
def test_zoom_blur_is_the_mean_of_the_image_and_its_enlargements(shape: tuple[int, ...], severity: int) -> None:
    images = _images(shape)
    expected = []
    for image in images / 255:
        larger = [enlarged(image, factor) for factor in zoom_blur.factors(severity)]
        expected.append((image + sum(larger)) / (len(larger) + 1))
    missing = lost(zoom_blur.corrupt(images, severity, _rng()), expected)
    assert missing.min() > -1e-9
    assert missing.max() < 1 + 1e-9


def _warped_by_opencv(image: Numbers, moves: Numbers) -> Numbers:
    """One image (H, W, C); moves (3, [x, y]) of the lower right, upper right and upper left of the central square."""
    height, width = image.shape[:2]
    half = min(height, width) // 3
    corners = np.array([width // 2, height // 2]) + half * np.array([[1, 1], [1, -1], [-1, -1]])
    matrix = cv2.getAffineTransform(corners.astype(np.float32), (corners + moves).astype(np.float32))
    warped = cv2.warpAffine(image.astype(np.float32), matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return warped.reshape(image.shape).astype(np.float64)


def _displaced_by_scipy(image: Numbers, noise: Numbers, alpha: float, sigma: float) -> Numbers:
    """One image (H, W, C), sampled at places moved by smoothed noise (2, H, W), rows first."""
    down, right = (alpha * gaussian(one, sigma=sigma, mode="reflect", truncate=3) for one in noise)
    rows, columns, channels = np.mgrid[: image.shape[0], : image.shape[1], : image.shape[2]]
    places = (rows + down[..., None], columns + right[..., None], channels)
    sampled: Numbers = map_coordinates(image, places, order=1, mode="reflect")
    return sampled


def _smooth(shape: tuple[int, ...]) -> Images:
    """Images without steep edges: OpenCV warps in single precision."""
    soft = gaussian_filter(_pixels(shape), sigma=(0, 2, 2, 0))
    return ((soft - soft.min()) / (soft.max() - soft.min()) * 255).astype(np.uint8)


@shapes
@severities
def test_elastic_transform_is_opencvs_affine_map_then_scipys_displacement(
    shape: tuple[int, ...], severity: int
) -> None:
    images = _smooth(shape)
    n, height, width, _ = shape
    alpha, sigma, affine = (share * min(height, width) for share in elastic_transform.PARAMETERS[severity - 1])
    noise = _rng().uniform(-1, 1, size=(n, 6 + 2 * height * width))
    expected = []
    for image, one in zip(images / 255, noise, strict=True):
        warped = _warped_by_opencv(image, affine * one[:6].reshape(3, 2))
        if alpha > 0:
            warped = _displaced_by_scipy(warped, one[6:].reshape(2, height, width), alpha, sigma)
        expected.append(warped)
    missing = lost(elastic_transform.corrupt(images, severity, _rng()), expected)
    assert missing.min() > -0.001
    assert missing.max() < 1.001


def test_elastic_transform_1_is_affine_so_that_a_plane_stays_a_plane() -> None:
    ramp = np.tile(np.arange(40, 200, 5, dtype=np.uint8), (1, 32, 1))[..., None]
    inner = elastic_transform.corrupt(ramp, 1, _rng())[0, 10:22, 10:22, 0].astype(int)
    for axis in (0, 1):
        assert np.abs(np.diff(inner, n=2, axis=axis)).max() <= 2  # a level of truncation at each end


@shapes_and_tiny
def test_displacements_beyond_the_border_are_folded_back_as_scipy_does(shape: tuple[int, ...]) -> None:
    pixels = _pixels(shape)
    n, height, width, channels = shape
    moves = _rng().uniform(-3, 3, size=(2, n, height, width)) * min(height, width)
    rows, columns = np.arange(height)[:, None] + moves[0], np.arange(width) + moves[1]
    for fold, mode in ((elastic_transform.reflected, "reflect"), (elastic_transform.mirrored, "mirror")):
        ours = elastic_transform.sampled(pixels, rows, columns, fold)
        for image, row, column, got in zip(pixels, rows, columns, ours, strict=True):
            for channel in range(channels):
                expected = map_coordinates(image[..., channel], (row, column), order=1, mode=mode)
                assert got[..., channel] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["elastic_transform", "motion_blur", "glass_blur"])
def test_what_an_image_becomes_does_not_depend_on_where_the_work_is_cut(name: str) -> None:
    images = _images((70, 1, 8, 8))
    for severity in (1, 5):
        assert np.array_equal(apply(name, images[:55], severity, seed=3), apply(name, images, severity, seed=3)[:55])


@pytest.mark.parametrize("name", ["gaussian_blur", "glass_blur", "motion_blur", "zoom_blur", "elastic_transform"])
@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (1, 3, 2, 5), (1, 1, 5, 2)], ids=str)
def test_the_smallest_images_stay_images(name: str, shape: tuple[int, ...]) -> None:
    for severity in SEVERITIES:
        assert apply(name, np.full(shape, 90, dtype=np.uint8), severity, seed=0) == pytest.approx(90, abs=1)
