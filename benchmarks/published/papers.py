"""The published figures that stand beside one of ours: of the same data, network and method, at about its budget."""

from __future__ import annotations

from frontier.results.published import Figure, Published
from frontier.spaces.space import Space

NEAR = 0.05  # a published count this close, relatively, stands beside a budget


def beside(published: Published, space: Space, method: str, budget: int) -> list[Figure]:
    """In the order of the file; those whose network nobody says are among them."""
    return [
        one
        for one in published.figures
        if (one.data, one.method) == (space.data.name, method)
        and one.network in (space.network.name, None)
        and one.relus is not None
        and one.accuracy is not None
        and abs(one.relus - budget) <= NEAR * budget
    ]
