"""Only who holds a record in some accuracy goes on."""

from __future__ import annotations

from collections.abc import Sequence

from frontier.results.rung import Rung

REDUCTION, GRACE = 3, 1 / 3


def stops(mine: Rung, others: Sequence[Rung]) -> str | None:
    """Why the trial is stopped; None where it goes on."""
    if not others or any(
        own >= max(theirs) for own, *theirs in zip(mine.accuracies, *(o.accuracies for o in others), strict=True)
    ):
        return None
    return "others hold all records"
