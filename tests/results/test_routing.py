"""Oracle routing takes each accuracy from the branch that was trained for it, and leaves other points alone."""

from pathlib import Path

import pytest

from frontier.results.measure import Measure
from frontier.results.migrate import read_record
from frontier.results.record import Point, Scores, Splits
from frontier.results.routing import oracle, routing_of
from frontier.spaces.goals import FOUR

FIRST = Path(__file__).parent / "record_v1.json"


def scores(*accuracies: float) -> Scores:
    clean, corrupted, adversarial = (Measure.of(value, 100) for value in accuracies)
    return Scores(clean=clean, corrupted=corrupted, adversarial=adversarial)


@pytest.fixture
def plain() -> Point:
    return read_record(FIRST.read_bytes(), where="x").points[0]


@pytest.fixture
def branched(plain: Point) -> Point:
    """Serves `adversarial`."""
    branches = {
        "clean": Splits(validation=scores(0.9, 0.7, 0.1), test=scores(0.89, 0.69, 0.09)),
        "adversarial": Splits(validation=scores(0.8, 0.6, 0.5), test=scores(0.79, 0.59, 0.49)),
    }
    served = branches["adversarial"]
    update = {"branch": "adversarial", "branches": branches, "validation": served.validation, "test": served.test}
    return plain.model_copy(update=update)


def test_clean_and_corrupted_go_through_clean_and_adversarial_through_adversarial(branched: Point) -> None:
    routed = oracle(branched)
    assert FOUR.values(routed)[:3] == (0.9, 0.7, 0.5)
    assert [routed.test.clean.value, routed.test.corrupted.value, routed.test.adversarial.value] == [0.89, 0.69, 0.49]
    assert (routed.branch, routed.branches, routed.relu_count) == ("adversarial", branched.branches, 77)
    assert FOUR.values(branched)[:3] == (0.8, 0.6, 0.5)
    assert (routing_of(branched, asked_oracle=True), routing_of(branched, asked_oracle=False)) == ("oracle", "served")


def test_points_without_both_branches_are_what_they_were(plain: Point, branched: Point) -> None:
    alone = branched.model_copy(update={"branches": {"adversarial": branched.branches["adversarial"]}})
    for point in (plain, alone):
        assert oracle(point) == point
        assert routing_of(point, asked_oracle=True) == "served"


def test_a_point_with_branches_survives_its_json(branched: Point) -> None:
    assert Point.model_validate_json(branched.model_dump_json()) == branched
