"""Checking a spec before anything is trained: names, options, knobs, and a budget that the network can have."""

from __future__ import annotations

import functools
import os
from typing import Any

import torch
from pydantic import ValidationError

from frontier import registry
from frontier.corruptions._official import refuse_without
from frontier.data._named import shape_of
from frontier.errors import InputError
from frontier.frozen import canonical_json
from frontier.nn.network import build, relu_sites
from frontier.results.spec import DataSpec, NetworkSpec, TrialSpec
from frontier.trial.parts import modules

COPIES = 5  # of the weights in training: teacher, student, gradients, two moments of Adam


def check(spec: TrialSpec) -> None:
    """Raises InputError for what does not exist or does not fit."""
    modules(spec.data, spec.network, [spec.method], spec.measure)
    if spec.measure.official:
        refuse_without(spec.data.name)
    method, knobs = registry.load("method", spec.method), knobs_of(spec)
    relus = relus_of(spec.network, spec.data)
    if spec.relu_budget > relus:
        raise InputError(
            "the budget is above the network's ReLUs",
            where="relu_budget",
            expected=f"0 to {relus}",
            got=spec.relu_budget,
        )
    above = [budget for budget in getattr(knobs, "snapshots", ()) if isinstance(budget, int) and budget > relus]
    if above:
        where = f"knob 'snapshots' of method '{spec.method}'"
        raise InputError("budgets above the network's ReLUs", where=where, expected=f"0 to {relus}", got=above)
    if spec.passes is not None and method.passes(knobs) >= spec.passes:
        raise InputError(
            f"the search of method '{spec.method}' may take all the trial's passes",
            where="passes",
            expected=f"more than {method.passes(knobs):g}, so that something is left for finetuning",
            got=spec.passes,
            fix="give the search fewer epochs, or raise `passes`",
        )
    if hasattr(method, "check"):
        method.check(spec.network, knobs)


def knobs_of(spec: TrialSpec) -> Any:
    """The spec's knobs as its method's own Knobs."""
    model = registry.load("method", spec.method).Knobs
    try:
        return model.model_validate(spec.knobs)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"knob '{'.'.join(map(str, first['loc']))}' of method '{spec.method}': {first['msg']}",
            expected=f"one of {', '.join(model.model_fields)}",
            got=first.get("input"),
        ) from None


def relu_layers_of(spec: TrialSpec) -> int | None:
    """The knob of this name, which the trial heeds for every method that has it; None: all sites may keep ReLUs."""
    layers: int | None = getattr(knobs_of(spec), "relu_layers", None)
    return layers


def relus_of(network: NetworkSpec, data: DataSpec) -> int:
    """The ReLUs that the built network evaluates on this data set's images, by running it once without weights."""
    return _relus(canonical_json(network), canonical_json(data))


@functools.cache
def _relus(network_json: str, data_json: str) -> int:
    network = NetworkSpec.model_validate_json(network_json)
    image, classes = shape_of(DataSpec.model_validate_json(data_json))
    with torch.device("meta"):
        model = build(network.name, image, classes, sites=network.sites, options=network.options)
    weights_bytes = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if COPIES * weights_bytes > memory_bytes:
        raise InputError(
            "the network is too large for this machine",
            where="network",
            expected=f"at most {memory_bytes / COPIES / 1e9:.1f} GB of weights",
            got=f"{weights_bytes / 1e9:.1f} GB",
        )
    return sum(site.relus for site in relu_sites(network.name, model, image, classes=classes))
