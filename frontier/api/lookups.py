"""The look-ups that a space needs from the layers above it: a method's knobs, data's shape, ReLUs, names."""

from __future__ import annotations

from frontier import registry, shelves
from frontier.data._named import shape_of
from frontier.frozen import Frozen
from frontier.spaces.load import load
from frontier.spaces.space import Space
from frontier.trial.check import relus_of
from frontier.trial.parts import modules


def knobs_of(method: str) -> type[Frozen]:
    """The knobs model of a method."""
    knobs: type[Frozen] = registry.load("method", method).Knobs
    return knobs


def load_space(name: str) -> Space:
    """A space by name or path, checked whole, every part of it imported. Raises InputError with file, line and key."""
    path = shelves.find("search_spaces", name)
    space = load(path, knobs_of=knobs_of, shape_of=shape_of, relus_of=relus_of, names_of=registry.names)
    modules(space.data, space.network, space.method_names, space.measure)
    registry.load("sampler", space.search.sampler)
    return space
