"""The look-ups that a space needs from the layers above it: knobs of a method, ReLUs of a network, names."""

from __future__ import annotations

from frontier import registry, shelves
from frontier.frozen import Frozen
from frontier.results.spec import DataSpec, NetworkSpec
from frontier.spaces.load import load
from frontier.spaces.space import Space
from frontier.trial.check import relus_of


def knobs_of(method: str) -> type[Frozen]:
    """The knobs model of a method."""
    knobs: type[Frozen] = registry.load("method", method).Knobs
    return knobs


def _relus_of(network: NetworkSpec, data: DataSpec) -> int:
    return relus_of(network, data.name)


def load_space(name: str) -> Space:
    """A space by name or path, checked whole. Raises InputError with file, line and key."""
    return load(shelves.find("search_spaces", name), knobs_of=knobs_of, relus_of=_relus_of, names_of=registry.names)
