"""The look-ups that a space needs from the layers above it: a method's knobs, data's shape, ReLUs, names, groups."""

from __future__ import annotations

from functools import partial

from frontier import registry, shelves
from frontier.corruptions._apply import FAMILIES, group
from frontier.corruptions._official import refuse_without
from frontier.data._named import shape_of
from frontier.frozen import Frozen
from frontier.spaces.load import Lookups, load
from frontier.spaces.space import Space
from frontier.trial.check import relus_of
from frontier.trial.parts import modules


def knobs_of(method: str) -> type[Frozen]:
    """The knobs model of a method."""
    knobs: type[Frozen] = registry.load("method", method).Knobs
    return knobs


LOOKUPS = Lookups(
    knobs_of=knobs_of,
    shape_of=shape_of,
    relus_of=relus_of,
    names_of=registry.names,
    groups={word: partial(group, word) for word in ("common", *FAMILIES)},
    refuse_official=refuse_without,
)


def load_space(name: str) -> Space:
    """A space by name or path, checked whole, every part of it imported. Raises InputError with file, line and key."""
    path = shelves.find("search_spaces", name)
    space = load(path, LOOKUPS)
    modules(space.data, space.network, space.method_names, space.measure)
    registry.load("sampler", space.search.sampler)
    if space.search.pruner is not None:
        registry.load("pruner", space.search.pruner)
    return space
