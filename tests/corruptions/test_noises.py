"""What kind of noise each of the four is: one draw for every element of every image, spread as its name says."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from frontier.corruptions import shot_noise
from frontier.corruptions._apply import SEVERITIES, apply

NAMES = ["gaussian_noise", "impulse_noise", "shot_noise", "speckle_noise"]
LEVELS = np.array([90, 128, 160])  # red, green, blue

severities = pytest.mark.parametrize("severity", SEVERITIES)
names = pytest.mark.parametrize("name", NAMES)


def _noisy(name: str, severity: int, n: int = 30) -> npt.NDArray[np.uint8]:
    """(n, 3, 32, 32): images of one colour, with noise."""
    flat = np.broadcast_to(LEVELS.astype(np.uint8)[:, None, None], (n, 3, 32, 32))
    return apply(name, np.ascontiguousarray(flat), severity, seed=0)


def _noise(name: str, severity: int) -> npt.NDArray[np.float64]:
    noisy = _noisy(name, severity)
    return noisy - noisy.mean(axis=(0, 2, 3), keepdims=True)


def _largest_correlation(rows: npt.NDArray[np.float64]) -> float:
    return float(np.abs(np.corrcoef(rows) - np.eye(len(rows))).max())


@names
@severities
def test_channels_are_hit_independently(name: str, severity: int) -> None:
    assert _largest_correlation(_noise(name, severity).transpose(1, 0, 2, 3).reshape(3, -1)) < 0.03


@names
@severities
def test_images_are_hit_independently(name: str, severity: int) -> None:
    noise = _noise(name, severity)
    assert _largest_correlation(noise.reshape(len(noise), -1)) < 0.12


@names
@severities
def test_pixels_are_hit_independently(name: str, severity: int) -> None:
    noise = _noise(name, severity)
    for axis in (1, 0):
        lines = np.moveaxis(noise, 2 + axis, 0).reshape(32, -1)
        assert _largest_correlation(lines) < 0.12


@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "speckle_noise"])
@severities
def test_every_channel_keeps_its_mean(name: str, severity: int) -> None:
    """Less half a level, which truncation takes."""
    assert _noisy(name, severity).mean(axis=(0, 2, 3)) == pytest.approx(LEVELS - 0.5, abs=0.6)


@pytest.mark.parametrize("name", ["gaussian_noise", "speckle_noise"])
@severities
def test_gaussian_and_speckle_noise_are_normal(name: str, severity: int) -> None:
    """Skewness and excess kurtosis of every channel are 0; of uniform noise the second would be -1.2."""
    noise = _noise(name, severity).transpose(1, 0, 2, 3).reshape(3, -1)[:2]  # 255 is too near the third
    assert stats.skew(noise, axis=1) == pytest.approx([0, 0], abs=0.08)
    assert stats.kurtosis(noise, axis=1) == pytest.approx([0, 0], abs=0.15)


@pytest.mark.parametrize("level", [2, 128])
@severities
def test_shot_noise_is_a_count_of_photons(level: int, severity: int) -> None:
    """Every grey value comes as often as the counts that truncation makes it of, and no other value comes at all."""
    photons = shot_noise.PARAMETERS[severity - 1]
    counts = np.arange(photons + 1)  # any more are white too
    shares = stats.poisson.pmf(counts, level / 255 * photons)
    expected = np.bincount((counts / photons * 255.0).astype(int), weights=shares, minlength=256)
    noisy = apply("shot_noise", np.full((30, 3, 32, 32), level, dtype=np.uint8), severity, seed=0)
    found = np.bincount(noisy.ravel(), minlength=256) / noisy.size
    assert found == pytest.approx(expected, abs=0.006)
    assert not found[expected == 0].any()


@severities
def test_shot_noise_varies_as_much_as_it_is_bright(severity: int) -> None:
    """Poisson's variance is its mean, in photons."""
    photons = shot_noise.PARAMETERS[severity - 1] / 255  # a level is so many
    variances = (_noise("shot_noise", severity) * photons).var(axis=(0, 2, 3))
    assert variances == pytest.approx(LEVELS * photons, rel=0.05)


@severities
def test_impulse_noise_leaves_the_other_elements_alone(severity: int) -> None:
    noisy = _noisy("impulse_noise", severity).transpose(1, 0, 2, 3).reshape(3, -1)
    for channel, level in zip(noisy, LEVELS, strict=True):
        assert set(np.unique(channel).tolist()) == {0, level, 255}
