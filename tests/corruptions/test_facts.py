"""The parameter table of make_cifar_c.py (hendrycks/robustness) and what follows from it."""

import sys

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.ndimage import convolve, gaussian_filter

from frontier import registry
from frontier.corruptions import defocus_blur, pixelate, zoom_blur
from frontier.corruptions._apply import FAMILIES, SEVERITIES, apply, family, group
from frontier.errors import BlockedError, InputError

TABLE = {
    "gaussian_noise": (0.04, 0.06, 0.08, 0.09, 0.10),
    "shot_noise": (500, 250, 100, 75, 50),
    "impulse_noise": (0.01, 0.02, 0.03, 0.05, 0.07),
    "speckle_noise": (0.06, 0.1, 0.12, 0.16, 0.2),
    "gaussian_blur": (0.4, 0.6, 0.7, 0.8, 1),
    "glass_blur": ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    "motion_blur": ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
    "zoom_blur": (1.06, 1.11, 1.16, 1.21, 1.26),
    "elastic_transform": ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    "defocus_blur": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),
    "pixelate": (0.95, 0.9, 0.85, 0.75, 0.65),
    "jpeg_compression": (80, 65, 58, 50, 40),
    "snow": (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ),
    "frost": ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    "fog": ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)),
    "spatter": (
        (0.62, 0.1, 0.7, 0.7, 0.5, 0),
        (0.65, 0.1, 0.8, 0.7, 0.5, 0),
        (0.65, 0.3, 1, 0.69, 0.5, 0),
        (0.65, 0.1, 0.7, 0.69, 0.6, 1),
        (0.65, 0.1, 0.5, 0.68, 0.6, 1),
    ),
    "saturate": ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)),
}


@pytest.fixture(scope="module")
def smooth() -> npt.NDArray[np.uint8]:
    """32 colour images with the soft shapes of photographs, away from black and white."""
    noise = np.random.default_rng(1).normal(size=(32, 3, 32, 32))
    soft = gaussian_filter(noise, sigma=(0, 0, 2, 2))
    return np.clip(128 + 40 * soft / soft.std(), 40, 215).astype(np.uint8)


@pytest.mark.parametrize("name", TABLE)
def test_parameters_are_those_of_the_table(name: str) -> None:
    assert TABLE[name] == registry.load("corruption", name).PARAMETERS


def test_the_groups_are_those_of_the_benchmark() -> None:
    families = {
        "noise": ("gaussian_noise", "impulse_noise", "shot_noise"),
        "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
        "weather": ("brightness", "fog", "frost", "snow"),
        "digital": ("contrast", "elastic_transform", "jpeg_compression", "pixelate"),
        "held_out": ("gaussian_blur", "saturate", "spatter", "speckle_noise"),
    }
    assert {word: group(word) for word in FAMILIES} == families
    assert group("common") == tuple(name for word in FAMILIES if word != "held_out" for name in families[word])
    assert len(group("common")) == 15
    assert [family(name) for name in ("fog", "spatter")] == ["weather", "held_out"]


def test_an_unknown_group_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'blur'"):
        group("blurs")


def test_zoom_blur_averages_7_12_16_21_26_enlargements() -> None:
    factors = [zoom_blur.factors(severity) for severity in SEVERITIES]
    assert [len(one) for one in factors] == [7, 12, 16, 21, 26]
    assert [float(one[-1]) for one in factors] == pytest.approx([1.06, 1.11, 1.15, 1.20, 1.25])


def test_pixelate_shrinks_32_pixels_to_30_28_27_24_20() -> None:
    assert [pixelate.shrunk(32, severity) for severity in SEVERITIES] == [30, 28, 27, 24, 20]
    assert pixelate.shrunk(1, 5) == 1


def _pillow_pixelates(image: npt.NDArray[np.uint8], severity: int) -> npt.NDArray[np.uint8]:
    """An image (H, W, 3) as make_cifar_c.py pixelates it."""
    height, width = image.shape[:2]
    small = (pixelate.shrunk(width, severity), pixelate.shrunk(height, severity))
    box = Image.Resampling.BOX
    return np.asarray(Image.fromarray(image).resize(small, box).resize((width, height), box))


@pytest.mark.parametrize("side", [1, 2, 3, 8, 9, 16, 17, 28, 32, 64, 96])
def test_pixelate_equals_pillow_on_square_images(side: int) -> None:
    image = np.random.default_rng(side).integers(0, 256, (3, side, side), dtype=np.uint8)
    for severity in SEVERITIES:
        expected = _pillow_pixelates(image.transpose(1, 2, 0), severity).transpose(2, 0, 1)
        assert np.array_equal(apply("pixelate", image[None], severity, seed=0)[0], expected)


@pytest.mark.parametrize("size", [(48, 20), (20, 48)])
def test_pixelate_is_within_one_level_of_pillow_on_other_images(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, *size), dtype=np.uint8)
    for severity in SEVERITIES:
        expected = _pillow_pixelates(image.transpose(1, 2, 0), severity).transpose(2, 0, 1)
        assert np.abs(apply("pixelate", image[None], severity, seed=0)[0].astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("severity", "centre", "edge", "corner"),
    [(1, 0.845, 0.0371, 0.0016), (2, 0.6193, 0.0838, 0.0113), (3, 0.4452, 0.1110, 0.0277)],
)
def test_defocus_kernels_1_to_3_are_3x3_gaussians(severity: int, centre: float, edge: float, corner: float) -> None:
    kernel = defocus_blur.kernel(*defocus_blur.PARAMETERS[severity - 1])
    expected = [[corner, edge, corner], [edge, centre, edge], [corner, edge, corner]]
    assert kernel == pytest.approx(np.array(expected), abs=5e-5)


def test_defocus_kernel_4_is_a_plus_and_5_a_box() -> None:
    plus = np.array([[0, 0.2, 0], [0.2, 0.2, 0.2], [0, 0.2, 0]])
    for severity, expected in ((4, plus), (5, np.full((3, 3), 1 / 9))):
        kernel = defocus_blur.kernel(*defocus_blur.PARAMETERS[severity - 1])
        assert kernel == pytest.approx(np.pad(expected, (len(kernel) - 3) // 2), abs=5e-5)
        assert kernel.sum() == pytest.approx(1)


@pytest.mark.parametrize("shape", [(2, 32, 32, 3), (2, 8, 8, 1), (2, 5, 2, 1), (2, 1, 3, 3)])
def test_defocus_is_the_convolution_of_scipy(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).random(shape)
    for radius, sigma in defocus_blur.PARAMETERS:
        kernel = defocus_blur.kernel(radius, sigma)
        expected = convolve(pixels, kernel[None, :, :, None], mode="mirror")
        assert defocus_blur.convolved(pixels, kernel, "reflect") == pytest.approx(expected, abs=1e-14)


def test_defocus_mirrors_at_the_border_without_repeating_the_edge() -> None:
    columns = np.tile(np.array([0, 250, 0, 0, 0, 0], dtype=np.uint8), (1, 1, 6, 1))
    assert apply("defocus_blur", columns, 5, seed=0)[0, 0, :, 0].tolist() == [int(250 * 2 / 3)] * 6


@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "contrast"])
def test_mean_distortion_grows_with_severity(name: str, smooth: npt.NDArray[np.uint8]) -> None:
    distortions = [
        float(np.abs(apply(name, smooth, severity, seed=0).astype(int) - smooth).mean()) for severity in SEVERITIES
    ]
    assert distortions == sorted(set(distortions))


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_noise_has_the_standard_deviation_of_the_table(severity: int) -> None:
    grey = np.full((20, 3, 32, 32), 128, dtype=np.uint8)
    assert apply("gaussian_noise", grey, severity, seed=0).std() / 255 == pytest.approx(
        TABLE["gaussian_noise"][severity - 1], rel=0.02
    )


@pytest.mark.parametrize("severity", SEVERITIES)
def test_shot_noise_has_the_variance_of_its_photons(severity: int) -> None:
    grey = np.full((20, 3, 32, 32), 102, dtype=np.uint8)
    expected = (0.4 / TABLE["shot_noise"][severity - 1]) ** 0.5
    assert apply("shot_noise", grey, severity, seed=0).std() / 255 == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_speckle_noise_is_in_proportion_to_the_element(severity: int) -> None:
    for level in (51, 102):
        grey = np.full((20, 3, 32, 32), level, dtype=np.uint8)
        expected = level * TABLE["speckle_noise"][severity - 1]
        assert apply("speckle_noise", grey, severity, seed=0).std() == pytest.approx(expected, rel=0.03)
    assert not apply("speckle_noise", np.zeros_like(grey), severity, seed=0).any()


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_is_half_black_half_white(severity: int) -> None:
    noisy = apply("impulse_noise", np.full((40, 3, 32, 32), 100, dtype=np.uint8), severity, seed=0)
    half = TABLE["impulse_noise"][severity - 1] / 2
    assert set(np.unique(noisy).tolist()) == {0, 100, 255}
    assert (noisy == 0).mean() == pytest.approx(half, rel=0.1)
    assert (noisy == 255).mean() == pytest.approx(half, rel=0.1)


def test_contrast_keeps_channel_means(smooth: npt.NDArray[np.uint8]) -> None:
    for severity in SEVERITIES:
        after = apply("contrast", smooth, severity, seed=0).mean(axis=(2, 3))
        lost = smooth.mean(axis=(2, 3)) - after  # truncation loses less than one level
        assert lost.min() > -1e-9
        assert lost.max() < 1


def test_brightness_on_grey_adds_its_parameter() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    for severity, added in zip(SEVERITIES, TABLE["brightness"], strict=True):
        exact = np.minimum(ramp + 255 * added, 255)
        assert np.abs(apply("brightness", ramp, severity, seed=0) - exact).max() <= 1


def test_brightness_keeps_hue_and_saturation_and_adds_to_the_largest_channel() -> None:
    colour = np.array([200, 100, 50], dtype=np.uint8).reshape(1, 3, 1, 1)
    brighter = apply("brightness", colour, 2, seed=0)[0, :, 0, 0]
    assert np.abs(brighter - np.array([200, 100, 50]) * (225.5 / 200)).max() <= 1


def test_jpeg_of_a_flat_image_is_the_image() -> None:
    flat = np.full((1, 1, 16, 16), 128, dtype=np.uint8)
    assert np.array_equal(apply("jpeg_compression", flat, 5, seed=0), flat)


def test_jpeg_without_pillow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(BlockedError, match="pip install pillow"):
        apply("jpeg_compression", np.zeros((1, 3, 32, 32), dtype=np.uint8), 1, seed=0)


def test_seed_name_and_severity_each_change_the_noise() -> None:
    grey = np.full((1, 1, 32, 32), 128, dtype=np.uint8)
    signs = [
        (apply(name, grey, severity, seed) > 127).tobytes()
        for name, severity, seed in [
            ("gaussian_noise", 1, 0),
            ("gaussian_noise", 1, 1),
            ("gaussian_noise", 2, 0),
            ("shot_noise", 1, 0),
        ]
    ]
    assert len(set(signs)) == len(signs)


def test_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'gaussian_noise'"):
        apply("gausian_noise", np.zeros((1, 3, 32, 32), dtype=np.uint8), 1, seed=0)


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5, True])
def test_unknown_severity_is_refused(severity: int) -> None:
    with pytest.raises(InputError, match="unknown severity"):
        apply("contrast", np.zeros((1, 3, 32, 32), dtype=np.uint8), severity, seed=0)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 3, 32, 32)),
        np.zeros((3, 32, 32), dtype=np.uint8),
        np.zeros((1, 32, 32, 3), dtype=np.uint8),
        np.zeros((1, 4, 32, 32), dtype=np.uint8),
    ],
    ids=["float", "one image", "channels last", "four channels"],
)
def test_what_is_not_a_batch_of_images_is_refused(images: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match="not images"):
        apply("contrast", images, 1, seed=0)
