"""The look-ups that a space needs from the layers above it: knobs of a method, ReLUs of a network."""

from __future__ import annotations

import functools

from frontier import registry, shelves
from frontier.frozen import Frozen, canonical_json
from frontier.nn.network import build
from frontier.nn.sites import sites_of
from frontier.results.spec import DataSpec, NetworkSpec
from frontier.spaces.load import load
from frontier.spaces.space import Space


def knobs_of(method: str) -> type[Frozen]:
    """The knobs model of a method."""
    knobs: type[Frozen] = registry.load("method", method).Knobs
    return knobs


def relus_of(network: NetworkSpec, data: DataSpec) -> int:
    """The ReLUs that the built network evaluates, by running it once."""
    return _relus(canonical_json(network), data.name)


@functools.cache
def _relus(network_json: str, data: str) -> int:
    network, source = NetworkSpec.model_validate_json(network_json), registry.load("data", data)
    model = build(network.name, source.IMAGE, source.CLASSES, sites=network.sites, options=network.options)
    return sum(site.relus for site in sites_of(model, source.IMAGE))


def load_space(name: str) -> Space:
    """A space by name or path, checked whole. Raises InputError with file, line and key."""
    return load(shelves.find("search_spaces", name), knobs_of=knobs_of, relus_of=relus_of, names_of=registry.names)
