"""Constraints: the least accuracy and the largest costs that a question still wants, and how far a point is from them.

`clean >= 0.8`, `online_s@crypten/wan <= 2.0`: an accuracy is bounded from below, a cost from above. A constraint is
told to the sampler and marks points; it removes none. Its objective need not be one of the study's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from frontier.errors import InputError
from frontier.results.record import Point
from frontier.spaces.goals import Goal, digits_of, goal_of

FORM = re.compile(r"\s*(\S+)\s*(>=|<=)\s*([-+.\deE]+)\s*(%?)\s*")
EXAMPLE = "clean >= 0.8, or online_s@crypten/wan <= 2.0"
LEAST = 1e-9  # of a violation that the logarithm does not show, such as one ReLU where none is allowed
UNPRICED = 1.0  # the violation of a point that has no price: it cannot be shown to keep to the constraint


@dataclass(frozen=True)
class Constraint:
    """`bound` is in the objective's unit; accuracies are fractions."""

    goal: Goal
    bound: float

    @property
    def text(self) -> str:
        """The same for every way to write it."""
        objective = self.goal.objective
        return f"{objective.name} {'<=' if objective.minimized else '>='} {digits_of(self.bound)}"

    def violation(self, point: Point) -> float:
        """By how much the point misses it on validation, at most 0 where it keeps to it: accuracy as a fraction, a
        cost in decades. UNPRICED where the objective is a price that the point has not."""
        objective = self.goal.objective
        try:
            value = self.goal.value(point)
        except InputError:
            return UNPRICED
        missing = objective.told(value) - objective.told(self.bound)
        missing = missing if objective.minimized else -missing
        kept = value <= self.bound if objective.minimized else value >= self.bound
        return min(missing, 0.0) if kept else max(missing, LEAST)


def constraints_of(texts: Sequence[str]) -> tuple[Constraint, ...]:
    """The constraints behind texts, in their order. Raises InputError for a wrong one, and for two on one objective."""
    found: list[Constraint] = []
    for text in texts:
        constraint = constraint_of(text)
        if constraint.goal in [other.goal for other in found]:
            name = constraint.goal.objective.name
            raise InputError(f"two constraints on '{name}'", got=text, fix="keep the stricter one")
        found.append(constraint)
    return tuple(found)


def constraint_of(text: str) -> Constraint:
    """The constraint behind a text. Raises InputError."""
    match = FORM.fullmatch(text)
    if match is None:
        raise InputError("not a constraint", expected=EXAMPLE, got=text)
    name, sign, number, percent = match.groups()
    goal = goal_of(name)
    objective = goal.objective
    try:
        bound = float(number)
    except ValueError:
        raise InputError("a constraint without a number", expected=EXAMPLE, got=text) from None
    if sign != ("<=" if objective.minimized else ">="):
        kind = "a cost is bounded from above" if objective.minimized else "an accuracy is bounded from below"
        raise InputError(kind, expected=f"{name} {'<=' if objective.minimized else '>='} {number}", got=text)
    if percent and objective.minimized:
        raise InputError("a percentage of a cost", expected=f"an amount in {objective.unit}", got=text)
    bound = bound / 100 if percent else bound
    if not objective.minimized and not 0 <= bound <= 1:
        fix = f"write {bound / 100:g}, or {bound:g}%" if 1 < bound <= 100 else None
        raise InputError("not an accuracy", expected="a fraction from 0 to 1", got=text, fix=fix)
    if not math.isfinite(bound):
        raise InputError("a bound that nothing misses", expected=EXAMPLE, got=text)
    if bound < 0:
        raise InputError("a negative cost", expected=f"an amount in {objective.unit}", got=text)
    return Constraint(goal, bound)


def violated(constraints: Sequence[Constraint], point: Point) -> tuple[str, ...]:
    """The texts of those that the point does not keep to."""
    return tuple(constraint.text for constraint in constraints if constraint.violation(point) > 0)
