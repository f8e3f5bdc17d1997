"""Importance of knobs: the one that matters is found, with an interval; of few points nothing is claimed."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from frontier import registry
from frontier.reports.blocks import shows
from frontier.reports.figures._importance import importance
from frontier.reports.points import points_of
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT
from frontier.results.record import Point, TrialRecord

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
FIGURE = registry.load("figure", "knob_importance")


def test_what_matters_is_told_from_what_does_not() -> None:
    rng = np.random.default_rng(1)
    features = rng.random((60, 3))
    found = importance(features, np.stack([features[:, 0], rng.random(60)], axis=1))
    assert found.mean[0, 0] > 0.5
    assert found.low[0, 0] > max(found.high[1, 0], found.high[2, 0], 0.1)
    assert found.explained[0] > 0.6
    assert found.explained[1] < 0.3
    assert np.all((found.low <= found.mean) & (found.mean <= found.high))


def test_equal_points_give_equal_numbers_and_a_constant_explains_nothing() -> None:
    features = np.random.default_rng(2).random((25, 2))
    one, other = (importance(features, features[:, :1] * [[1.0, 0.0]]) for _ in range(2))
    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.low, other.low)
    assert one.explained[1] == 0


@pytest.fixture
def tuned(make_point: MakePoint, make_record: MakeRecord) -> Callable[[int], Studied]:
    """Clean accuracy goes by the penalty alone; `growth` varies as well, and a word; `exact` does not."""

    def studied(n: int, method: str = "snl") -> Studied:
        rng = np.random.default_rng(3)
        records = []
        for i in range(n):
            penalty, growth = 10 ** rng.uniform(-4, -1), rng.uniform(1, 3)
            clean = 0.5 + 0.1 * np.log10(penalty / 1e-4)
            record = make_record(make_point(100 + i, clean, 0.5 + 0.001 * (i % 7), 0.2), method=method)
            knobs = {"penalty": penalty, "growth": growth, "kind": ("l1", "l0")[i % 2], "exact": True}
            records.append((i, record.model_copy(update={"spec": record.spec.model_copy(update={"knobs": knobs})})))
        return Studied(points_of(records))

    return studied


def test_the_knob_that_decides_comes_first_with_n_and_interval(tuned: Callable[[int], Studied]) -> None:
    rows = FIGURE.data(tuned(40))
    clean = [row for row in rows if row.objective == "clean"]
    assert clean[0].knob == "penalty"
    assert clean[0].low > max(row.high for row in clean[1:])
    assert {row.points for row in rows} == {40}
    assert {row.knob for row in clean} == {"penalty", "growth", "kind", "relu_budget"}
    assert {row.objective for row in rows} == {"clean", "corrupted", "adversarial", "relu_count"}
    assert "most of all penalty" in FIGURE.alt(rows)


def test_an_objective_that_no_knob_explains_is_hollow_and_said(tuned: Callable[[int], Studied]) -> None:
    rows = FIGURE.data(tuned(40))
    adversarial = [row for row in rows if row.objective == "adversarial"]  # the same in every trial
    assert {row.doubt for row in adversarial} == {"the model explains nothing"}
    drawn = json.loads(FIGURE.draw(rows, LIGHT).to_json())["data"]
    (trace,) = [trace for trace in drawn if trace["name"] == "adversarial"]
    assert all(symbol.endswith("-open") for symbol in trace["marker"]["symbol"])
    assert "adversarial: the model explains nothing" in FIGURE.alt(rows)


def test_of_few_points_nothing_is_claimed(tuned: Callable[[int], Studied]) -> None:
    rows = FIGURE.data(tuned(FIGURE.FEWEST - 1))
    assert [row.problem for row in rows] == ["too few points"]
    assert not shows(rows)
    assert f"too few points (19; at least {FIGURE.FEWEST} are needed)" in FIGURE.alt(rows)
