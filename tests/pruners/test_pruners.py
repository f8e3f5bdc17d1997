"""The contract of every pruner: it stops the worst and never the best, and asks nothing but the rungs."""

from __future__ import annotations

import random

import pytest

from frontier import registry
from frontier.results.rung import Rung

PRUNERS = registry.names("pruner")


def rung(relu_count: int, accuracy: float) -> Rung:
    return Rung(level=1, relu_count=relu_count, clean=accuracy, corrupted=0.8 * accuracy, adversarial=0.3 * accuracy)


@pytest.mark.parametrize("pruner", PRUNERS)
def test_the_first_at_a_rung_goes_on(pruner: str) -> None:
    assert registry.load("pruner", pruner).stops(rung(100, 0.1), []) is None


@pytest.mark.parametrize("pruner", PRUNERS)
def test_the_best_of_equals_in_relus_goes_on_and_the_worst_is_stopped_with_a_reason(pruner: str) -> None:
    rule = registry.load("pruner", pruner)
    others = [rung(100, 0.5 + 0.02 * i) for i in range(12)]
    assert rule.stops(rung(100, 0.9), others) is None
    reason = rule.stops(rung(100, 0.2), others)
    assert isinstance(reason, str)
    assert reason


@pytest.mark.parametrize("pruner", PRUNERS)
def test_the_order_of_the_others_does_not_matter(pruner: str) -> None:
    rule, dice = registry.load("pruner", pruner), random.Random(0)
    others = [rung(dice.randrange(1000), dice.random()) for _ in range(20)]
    mine = rung(300, 0.5)
    said = {rule.stops(mine, dice.sample(others, len(others))) for _ in range(5)}
    assert len(said) == 1


@pytest.mark.parametrize("pruner", PRUNERS)
def test_reduction_and_grace_are_those_of_successive_halving(pruner: str) -> None:
    rule = registry.load("pruner", pruner)
    assert rule.REDUCTION > 1
    assert 0 < rule.GRACE < 1


def front(count: int) -> float:
    """An accuracy that rises with the ReLU count, as on a front."""
    return 0.2 + 0.06 * count.bit_length()


def test_stratified_keeps_the_end_of_few_relus_where_clean_accuracy_would_lose_it() -> None:
    """At every count there are two networks on the front and two below it: halving keeps the former everywhere."""
    stops = registry.load("pruner", "stratified").stops
    there = [
        (count, front(count) + offset + 0.001 * twin)
        for count in (4, 8, 16, 32, 64, 128, 256, 512)
        for offset in (0.0, -0.06)
        for twin in (0, 1)
    ]
    rungs = [rung(*one) for one in there]
    going = [one for i, one in enumerate(there) if stops(rungs[i], rungs[:i] + rungs[i + 1 :]) is None]
    assert {count for count, _ in going} == {4, 8, 16, 32, 64, 128, 256, 512}
    assert len([one for one in going if one[1] >= front(one[0])]) >= 14
    assert len(going) <= 18
    by_clean = sorted(there, key=lambda one: one[1], reverse=True)[: len(there) // 2]
    assert min(count for count, _ in by_clean) > 16


def test_stratified_stops_nobody_beside_fewer_than_four_others() -> None:
    stops = registry.load("pruner", "stratified").stops
    others = [rung(100, 0.9)] * 4
    assert stops(rung(100, 0.1), others[:3]) is None
    assert stops(rung(100, 0.1), others) is not None


def test_stratified_does_not_tell_apart_what_is_equal() -> None:
    stops = registry.load("pruner", "stratified").stops
    assert stops(rung(100, 0.5), [rung(100, 0.5)] * 10) is None
