"""Which sites stay open: the least sensitive are closed first, as far as the budget allows it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontier.nn.sites import Site
from frontier.training.relu_layers import chosen


def order_of(*sizes: int) -> tuple[Site, ...]:
    """Sites in order of removal, named by their places in it."""
    return tuple(Site(str(place), (size, 1, 1), inner=True) for place, size in enumerate(sizes))


def names(sites: tuple[Site, ...]) -> str:
    return "".join(site.path for site in sites)


@pytest.mark.parametrize(
    ("layers", "budget", "left"),
    [
        (3, 0, "123"),
        (1, 0, "3"),
        (2, 30, "23"),
        (2, 31, "13"),  # 1 is passed over: without it 30 would be held
        (2, 60, "13"),
        (2, 61, "12"),
        (2, 71, "01"),  # and 0 as well
        (2, 90, "01"),
        (2, 91, "01"),  # nothing of two sites can: the largest
        (1, 1000, "1"),
        (4, 1000, "0123"),
    ],
)
def test_the_least_sensitive_are_closed_first_unless_the_budget_needs_them(layers: int, budget: int, left: str) -> None:
    assert names(chosen(order_of(40, 50, 20, 10), layers, budget)) == left


def test_of_sites_that_hold_the_same_the_more_sensitive_stay_open() -> None:
    assert names(chosen(order_of(8, 8, 8, 2), 2, 1000)) == "12"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 6), st.integers(0, 40))
def test_as_many_as_asked_stay_open_and_hold_the_budget_where_any_choice_does(
    sizes: list[int], layers: int, budget: int
) -> None:
    left = chosen(order_of(*sizes), layers, budget)
    assert len(left) == min(layers, len(sizes))
    holds = max(sum(choice) for choice in itertools.combinations(sizes, len(left)))
    assert sum(site.relus for site in left) >= min(budget, holds)
