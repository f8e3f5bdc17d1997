"""What a search is given in place of training: records with told values, and the parameters that were asked."""

from __future__ import annotations

from typing import Any

from columns import Array

from frontier.driver.parameters import METHOD, parameter, remembered
from frontier.driver.work import Asked
from frontier.results.measure import Measure
from frontier.results.objectives import ACCURACIES
from frontier.results.profile import Profile
from frontier.results.record import MaskFile, Origin, Point, ReluCount, Scores, TrialRecord
from frontier.results.spec import TrialSpec
from frontier.spaces.space import Space

IMAGES = 1000  # a Measure says of how many it is; nothing here depends on it
VERSION = "simulated"
ORIGIN = Origin(code_version=VERSION, device=VERSION, threads=1)


def row_of(space: Space, spec: TrialSpec) -> dict[str, Any]:
    """The spec's parameters as the sampler and the table know them."""
    known = remembered(space, spec, spec.relu_budget)
    assert known is not None, "a space asks what lies in it"
    return dict(known[0])


def row_in(space: Space, row: dict[str, Any]) -> dict[str, Any]:
    """The same of a row of the table, whose columns are those of all methods."""
    domains = space.parameters(row[METHOD]).items()
    return {METHOD: row[METHOD]} | {name: row[name] for name in (parameter(*pair).name for pair in domains)}


def volume(space: Space, told: Array) -> float:
    """Of told values, whose last one is log10 of the ReLU count. (n, 4)."""
    rows = [(*accuracies, 10.0**count) for *accuracies, count in told.tolist()]
    return round(space.goals.hypervolume(rows, space.relus), 6)


def relus_of(told: Array) -> int:
    """The ReLU count of told values. (4,)."""
    return round(10.0 ** told[-1]) if told[-1] else 0


def answer(asked: Asked, told: Array) -> TrialRecord:
    """A record with these values, as the search reads it."""
    relus = relus_of(told)
    measured = dict(zip(ACCURACIES, (Measure.of(value, IMAGES) for value in told[:-1].tolist()), strict=True))
    scores = Scores(**measured)
    point = Point(
        relu_budget=asked.spec.relu_budget,
        relu_count=relus,
        counts=ReluCount(full=relus, inner=relus),
        validation=scores,
        test=scores,
        profile=Profile(sites=(), linear=()),
        mask=MaskFile(file="none", hash="none"),
    )
    return TrialRecord(trial=asked.trial, state="complete", spec=asked.spec, points=(point,), origin=ORIGIN)


def pruned(asked: Asked, reason: str) -> TrialRecord:
    """A record of a trial that a pruner has stopped."""
    return TrialRecord(trial=asked.trial, state="pruned", reason=reason, spec=asked.spec, origin=ORIGIN)
