"""Front and hypervolume: directions, ties, NaN, and the reference point."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontier.results.pareto import front, hypervolume

fraction = st.floats(0, 1, width=16)
points = st.lists(st.tuples(fraction, fraction, fraction, st.integers(0, 1000)), max_size=12)


def dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    signed = [(x, y) for x, y in zip((*a[:3], -a[3]), (*b[:3], -b[3]), strict=True)]
    return all(x >= y for x, y in signed) and any(x > y for x, y in signed)


@given(points)
@settings(deadline=None)
def test_the_front_is_what_nothing_dominates(rows: list[tuple[float, ...]]) -> None:
    expected = {i for i, row in enumerate(rows) if not any(dominates(other, row) for other in rows)}
    assert set(front(rows)) == expected


def test_equal_points_all_stay_and_order_is_by_rising_count() -> None:
    assert front([(0.9, 0.8, 0.1, 20), (0.5, 0.5, 0.1, 10), (0.9, 0.8, 0.1, 20), (0.9, 0.8, 0.0, 20)]) == [1, 0, 2]


def test_an_empty_study_has_an_empty_front_of_no_volume() -> None:
    assert front([]) == []
    assert hypervolume([], 100) == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_value_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        front([(bad, 0.5, 0.5, 1)])
    with pytest.raises(ValueError, match="not finite"):
        hypervolume([(0.5, 0.5, 0.5, bad)], 100)


def test_hypervolume_of_one_point_is_the_product_of_its_gains() -> None:
    # 10 of 100 ReLUs gain 1 - log10(10)/log10(100) = 1/2
    assert hypervolume([(0.5, 0.8, 0.25, 10)], 100) == pytest.approx(0.5 * 0.8 * 0.25 * 0.5)


def test_the_whole_network_gains_nothing_on_the_relu_axis_and_zero_relus_gain_all() -> None:
    assert hypervolume([(1, 1, 1, 100)], 100) == 0
    assert hypervolume([(1, 1, 1, 0)], 100) == hypervolume([(1, 1, 1, 1)], 100) == 1


@given(points)
@settings(deadline=None, max_examples=30)
def test_hypervolume_agrees_with_inclusion_and_exclusion(rows: list[tuple[float, ...]]) -> None:
    rows = rows[:5]
    gains = [(*row[:3], 1 - math.log10(max(row[3], 1)) / 3) for row in rows]
    expected = 0.0
    for size in range(1, len(gains) + 1):
        for chosen in itertools.combinations(gains, size):
            expected += (-1) ** (size + 1) * float(np.prod(np.min(np.array(chosen), axis=0)))
    assert hypervolume(rows, 1000) == pytest.approx(expected, abs=1e-9)


def test_a_network_of_one_relu_has_no_logarithmic_axis() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        hypervolume([(1, 1, 1, 1)], 1)
