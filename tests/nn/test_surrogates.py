"""DaPa's closed form (AutoReP, Peng et al., ICCV 2023) against its values, its normal equations, and samples."""

import math
from typing import get_args

import numpy as np
import pytest
import torch

from frontier.nn.surrogates import SMALLEST_STD, Surrogate, dapa, degree_of, polynomial

F64 = torch.float64
# mean, std: c0, c1, c2, MSE of degree 2; c0, c1, MSE of degree 1
TABLE = [
    (0, 1, 0.19947114, 0.50000000, 0.19947114, 0.01126759, 0.39894228, 0.50000000, 0.09084506),
    (0, math.sqrt(2), 0.28209479, 0.50000000, 0.14104740, 0.02253517, 0.56418958, 0.50000000, 0.18169011),
    (0, 2, 0.39894228, 0.50000000, 0.09973557, 0.04507034, 0.79788456, 0.50000000, 0.36338023),
    (0, 0.5, 0.09973557, 0.50000000, 0.39894228, 0.00281690, 0.19947114, 0.50000000, 0.02271126),
    (0.5, 1, 0.22004083, 0.51542980, 0.17603266, 0.01334537, 0.35206533, 0.69146246, 0.07532037),
    (-0.5, 1, 0.22004083, 0.48457020, 0.17603266, 0.01334537, 0.35206533, 0.30853754, 0.07532037),
    (1, 1, 0.24197072, 0.59937402, 0.12098536, 0.01395191, 0.24197072, 0.84134475, 0.04322683),
    (-1, 1, 0.24197072, 0.40062598, 0.12098536, 0.01395191, 0.24197072, 0.15865525, 0.04322683),
    (-0.2, 0.7, 0.14498784, 0.49697327, 0.27356197, 0.00593012, 0.26809073, 0.38754848, 0.04186644),
    (0.3, 1.5, 0.30501330, 0.50105117, 0.13034756, 0.02631928, 0.58656404, 0.57925971, 0.19834797),
    (-1, 0.5, 0.06748871, 0.13073206, 0.05399097, 0.00093039, 0.02699548, 0.02275013, 0.00129477),
    (2, 1, 0.13497742, 0.86926794, 0.02699548, 0.00372155, 0.05399097, 0.97724987, 0.00517907),
]
PAIRS = [row[:2] for row in TABLE]
moments = pytest.mark.parametrize(("mean", "std"), PAIRS)


def fit(mean, std, degree, curvature=1.0):
    return dapa(torch.tensor(mean, dtype=F64), torch.tensor(std, dtype=F64), degree, curvature)


def expected(function, mean, std):
    """E[function(x)] of x ~ N(mean, std^2): Gauss-Legendre on both sides of the kink, to about 1e-14."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    total = 0.0
    for low, high in ((min(mean - 12 * std, -std), 0.0), (0.0, max(mean + 12 * std, std))):
        x = (high - low) / 2 * nodes + (high + low) / 2
        density = np.exp(-(((x - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
        total += (high - low) / 2 * float((weights * density * function(x)).sum())
    return total


def relu(x):
    return np.maximum(x, 0)


def mse(coefficients, mean, std):
    c = np.asarray(coefficients, dtype=np.float64)
    return expected(lambda x: (relu(x) - np.polynomial.polynomial.polyval(x, c)) ** 2, mean, std)


def test_01_the_fit_to_a_standard_normal():
    half = 1 / (2 * math.sqrt(2 * math.pi))
    torch.testing.assert_close(fit(0, 1, 2), torch.tensor([half, 0.5, half], dtype=F64), atol=1e-9, rtol=0)
    assert mse(fit(0, 1, 2), 0, 1) == pytest.approx(0.25 - 3 / (4 * math.pi), abs=1e-12)


@pytest.mark.parametrize("row", TABLE)
def test_02_the_table(row):
    mean, std, c0, c1, c2, error, l0, l1, line_error = row
    torch.testing.assert_close(fit(mean, std, 2), torch.tensor([c0, c1, c2], dtype=F64), atol=1e-7, rtol=0)
    torch.testing.assert_close(fit(mean, std, 1), torch.tensor([l0, l1], dtype=F64), atol=1e-7, rtol=0)
    assert mse(fit(mean, std, 2), mean, std) == pytest.approx(error, abs=1e-7)
    assert mse(fit(mean, std, 1), mean, std) == pytest.approx(line_error, abs=1e-7)


@moments
def test_02_symmetry_and_scaling(mean, std):
    c, mirrored, scaled = fit(mean, std, 2), fit(-mean, std, 2), fit(3 * mean, 3 * std, 2)
    torch.testing.assert_close(mirrored, torch.stack([c[0], 1 - c[1], c[2]]))
    torch.testing.assert_close(scaled, torch.stack([3 * c[0], c[1], c[2] / 3]))


@pytest.mark.parametrize(("mean", "std"), [(0.3, 1.5), (-1.0, 0.5)])
def test_03_samples_give_the_same(mean, std):
    x = np.random.default_rng(0).normal(mean, std, 1_000_000)
    found, *_ = np.linalg.lstsq(np.stack([np.ones_like(x), x, x * x], axis=1), relu(x), rcond=None)
    np.testing.assert_allclose(fit(mean, std, 2).numpy(), found, atol=3e-3)


@moments
@pytest.mark.parametrize("degree", [0, 1, 2])
def test_03_the_moments_that_a_fit_keeps(mean, std, degree):
    c = fit(mean, std, degree).numpy()
    for k in range(degree + 1):
        kept = expected(lambda x, k=k: x**k * np.polynomial.polynomial.polyval(x, c), mean, std)
        assert kept == pytest.approx(expected(lambda x, k=k: x**k * relu(x), mean, std), abs=1e-10)


def test_04_a_variance_in_place_of_the_standard_deviation_is_wrong():
    assert float(fit(0, 2, 2)[2]) == pytest.approx(0.0997356, abs=1e-7)
    assert float(fit(0, 4, 2)[2]) == pytest.approx(0.0498678, abs=1e-7)
    assert mse(fit(0, 4, 2), 0, 2) > 3 * mse(fit(0, 2, 2), 0, 2)


@moments
def test_05_nothing_near_is_better_and_a_higher_degree_is(mean, std):
    best = fit(mean, std, 2).numpy()
    least = mse(best, mean, std)
    for step in (1e-3, -1e-3):
        assert all(mse(best + step * np.eye(3)[k], mean, std) > least for k in range(3))
    line, constant = mse(fit(mean, std, 1), mean, std), mse(fit(mean, std, 0), mean, std)
    assert least <= line <= min(mse([0, 1], mean, std), mse([0], mean, std), constant)


def test_06_far_from_the_kink_it_is_the_identity_or_nothing():
    torch.testing.assert_close(fit(40, 1, 2), torch.tensor([0.0, 1, 0], dtype=F64))
    torch.testing.assert_close(fit(-40, 1, 2), torch.zeros(3, dtype=F64))
    tiny = fit(0, SMALLEST_STD, 2)
    assert tiny.isfinite().all()
    assert float(tiny[2]) == pytest.approx(0.3989422804 / (2 * SMALLEST_STD))


@moments
def test_with_less_curvature_the_rest_is_the_best_for_it(mean, std):
    torch.testing.assert_close(fit(mean, std, 2, 0.0)[:2], fit(mean, std, 1))
    c = fit(mean, std, 2, 0.2).numpy()
    assert c[2] == pytest.approx(0.2 * float(fit(mean, std, 2)[2]))
    for step in (1e-3, -1e-3):
        assert all(mse(c + step * np.eye(3)[k], mean, std) > mse(c, mean, std) for k in range(2))


def test_each_channel_has_its_own_fit_and_its_own_polynomial():
    mean, std = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0])
    c = dapa(mean, std, 2)
    assert c.shape == (3, 2)
    torch.testing.assert_close(c[:, 1], dapa(mean[1], std[1], 2))
    x = torch.randn(4, 2, 3, 3)
    for channel in range(2):
        k = c[:, channel]
        torch.testing.assert_close(
            polynomial(x, c)[:, channel], k[0] + k[1] * x[:, channel] + k[2] * x[:, channel] ** 2
        )
    assert polynomial(torch.randn(4, 2), c).shape == (4, 2)
    assert polynomial(x, c[:1]).shape == x.shape


def test_degrees_have_names():
    assert [degree_of(surrogate) for surrogate in get_args(Surrogate)] == [None, 0, 1, 2]
    with pytest.raises(ValueError, match="no closed form of degree 3"):
        fit(0, 1, 3)
