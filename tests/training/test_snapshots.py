"""Snapshot budgets: counts and percentages, as a space's relu_budget has them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from frontier.training.snapshots import Budgets, counts_of

BUDGETS: TypeAdapter[Budgets] = TypeAdapter(Budgets)


def test_budgets_are_counts_or_percentages_and_fall() -> None:
    given = BUDGETS.validate_python([10, "50%", "12.5 %", "100.0%", ".5%", 96])
    assert given == (10, "50%", "12.5 %", "100.0%", ".5%", 96)
    assert counts_of(given, 192) == (192, 96, 24, 10, 0)


@pytest.mark.parametrize("bad", [-1, "-5%", "101%", "half", "10", 0.5])
def test_what_is_neither_is_refused_in_words(bad: object) -> None:
    with pytest.raises(ValidationError, match=r"a snapshot is a count of ReLUs from 0 on, or 0% to 100% of them|valid"):
        BUDGETS.validate_python([bad])
