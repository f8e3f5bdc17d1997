"""Which branch a point's figures go through: the one that is served, or the one that suits the images best.

A network with norm branches serves one of them, and that is what its record says. Its authors may report each accuracy
through the branch that was trained for it instead, as if somebody told the network which images are attacked.
"""

from __future__ import annotations

from typing import Final, Literal

from frontier.results.record import Point, Scores

Routing = Literal["served", "oracle"]
CLEAN, ADVERSARIAL = "clean", "adversarial"  # the branches that oracle routing picks
WARNING: Final = "oracle-routed: no deployed network has these figures"


def oracle(point: Point) -> Point:
    """The point with clean and corrupted accuracy through the branch `clean`, adversarial through `adversarial`.

    A point that does not have both branches is returned as it is. The parts of the means stay with the branches.
    """
    if not {CLEAN, ADVERSARIAL} <= point.branches.keys():
        return point
    clean, adversarial = point.branches[CLEAN], point.branches[ADVERSARIAL]
    return point.model_copy(
        update={
            "validation": _mixed(clean.validation, adversarial.validation),
            "test": _mixed(clean.test, adversarial.test),
        }
    )


def routing_of(point: Point, *, asked_oracle: bool) -> Routing:
    """How the figures of this very point are routed where oracle routing was asked for, or not."""
    return "oracle" if asked_oracle and {CLEAN, ADVERSARIAL} <= point.branches.keys() else "served"


def _mixed(clean: Scores, adversarial: Scores) -> Scores:
    return Scores(
        clean=clean.clean,
        corrupted=clean.corrupted,
        adversarial=adversarial.adversarial,
        corrupted_official=clean.corrupted_official,
    )
