"""Exact top-k over all sites, with one way to break ties."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from frontier.training.select import largest


def scores(*values: list[float]) -> dict[str, np.ndarray]:
    return {f"site{i}": np.array(value, dtype=np.float32).reshape(1, 1, -1) for i, value in enumerate(values)}


def test_largest_ranks_over_all_sites_together() -> None:
    mask = largest(scores([0.1, 0.9], [0.5, 0.2]), 2)
    assert mask.bits("site0").ravel().tolist() == [False, True]
    assert mask.bits("site1").ravel().tolist() == [True, False]


def test_ties_go_to_the_earlier_site_and_position() -> None:
    mask = largest(scores([0.0, 0.0], [0.0, 0.0]), 3)
    assert mask.bits("site0").ravel().tolist() == [True, True]
    assert mask.bits("site1").ravel().tolist() == [True, False]


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30), st.integers(-2, 40))
def test_largest_keeps_exactly_k_ties_included(values: list[float], k: int) -> None:
    assert largest(scores(values), k).count == min(max(k, 0), len(values))
