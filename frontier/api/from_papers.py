"""Guesses where papers have been: `published`, `published:METHOD`.

A sampler cannot be told published accuracies, which lack its knobs and its other objectives. It can begin at their
methods and ReLU counts.
"""

from __future__ import annotations

from collections import Counter

from frontier.driver.guesses import Guess
from frontier.driver.parameters import BUDGET, METHOD
from frontier.errors import InputError, nearest
from frontier.results.published import Figure, published
from frontier.results.spec import Scalar
from frontier.spaces.space import Space

WORD = "published"


def is_papers(text: str) -> bool:
    """Whether these are papers; `published:7` is a point of a study of that name."""
    word, colon, method = text.partition(":")
    return word == WORD and (not colon or not method[:1].isdigit())


def from_papers(text: str, space: Space, where: str) -> tuple[tuple[Guess, ...], str]:
    """A guess for every published place on the space's data and network, and one line on what became of the figures.

    A place is a method and a ReLU count in the space's convention; everything else is the sampler's. Raises InputError
    for a method that no paper is known of, and where nothing is left.
    """
    asked = text.partition(":")[2]
    known = published()
    methods = sorted({figure.method for figure in known.figures})
    if asked and asked not in methods:
        raise InputError(f"nothing published of a method '{asked}'. {nearest(asked, methods)}", where=where)
    sources: dict[tuple[str, int], list[str]] = {}
    out: Counter[str] = Counter()
    for figure in known.figures:
        if figure.data != space.data.name or asked not in ("", figure.method):
            continue
        if figure.network not in (space.network.name, None):
            continue
        found = _place(figure, space)
        if isinstance(found, str):
            out[found] += 1
        else:
            sources.setdefault(found, []).append(figure.source)
    said = f"published figures of {asked or 'any method'} on {space.data.name} with {space.network.name}"
    left_out = ", ".join(f"{count} {why}" for why, count in out.items())
    if not sources:
        raise InputError(f"nothing to ask of the {said}", where=where, got=left_out or "none is known")
    guesses = tuple(_guess(place, names, space) for place, names in sources.items())
    used = sum(len(names) for names in sources.values())
    return guesses, f"{len(guesses)} guesses from {used} {said}; left out: {left_out or 'none'}"


def _place(figure: Figure, space: Space) -> tuple[str, int] | str:
    """Method and count, or why there is none."""
    if figure.method not in space.methods:
        return "of methods that the space lacks"
    if figure.network is None:
        return "whose network nobody says"
    if space.network.options:
        return "of the network without options"
    if figure.relus is None:
        return "without a count"
    relus = figure.relus_in(space.network.sites)
    if relus is None:
        return f"whose count of '{space.network.sites}' sites nobody says"
    domain = space.parameters(figure.method).get(BUDGET)
    if not (relus == space.relu_budget if domain is None else domain.contains(relus)):
        return "of ReLU counts outside the space's"
    return figure.method, relus


def _guess(place: tuple[str, int], sources: list[str], space: Space) -> Guess:
    method, relus = place
    values: dict[str, Scalar] = {METHOD: method}
    if not isinstance(space.relu_budget, int):
        values[BUDGET] = relus
    return Guess(values=values, source=f"{WORD}: {', '.join(dict.fromkeys(sources))}")
