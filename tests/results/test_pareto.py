"""Front and hypervolume: ties, NaN, and the reference point."""

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
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


@given(points)
@settings(deadline=None)
def test_the_front_is_what_nothing_dominates(rows: list[tuple[float, ...]]) -> None:
    expected = {i for i, row in enumerate(rows) if not any(dominates(other, row) for other in rows)}
    assert set(front(rows)) == expected


def test_equal_points_all_stay_in_their_order() -> None:
    assert front([(0.1, 20), (0.5, 10), (0.1, 20), (0.2, 20)]) == [0, 1, 2]


def test_an_empty_study_has_an_empty_front_of_no_volume() -> None:
    assert front([]) == []
    assert hypervolume([]) == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_value_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        front([(bad, 0.5, 0.5, 1)])
    with pytest.raises(ValueError, match="not finite"):
        hypervolume([(0.5, 0.5, 0.5, bad)])


def test_hypervolume_of_one_point_is_the_product_of_its_gains_and_a_loss_gains_nothing() -> None:
    assert hypervolume([(0.5, 0.8, 0.25)]) == pytest.approx(0.5 * 0.8 * 0.25)
    assert hypervolume([(0.5, 0.8, -0.25)]) == 0


@given(st.lists(st.tuples(fraction, fraction, fraction, fraction), max_size=5))
@settings(deadline=None, max_examples=30)
def test_hypervolume_agrees_with_inclusion_and_exclusion(gains: list[tuple[float, ...]]) -> None:
    expected = 0.0
    for size in range(1, len(gains) + 1):
        for chosen in itertools.combinations(gains, size):
            expected += (-1) ** (size + 1) * float(np.prod(np.min(np.array(chosen), axis=0)))
    assert hypervolume(gains) == pytest.approx(expected, abs=1e-9)
