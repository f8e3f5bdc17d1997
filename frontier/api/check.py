"""What a search would do and cost, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from frontier.api import cost
from frontier.api.lookups import load_space
from frontier.api.search import concurrency_of
from frontier.results.spec import Scalar
from frontier.spaces.space import Space
from frontier.trial.source import Source


def check(space: str | Path, *, data: Path | None = None) -> dict[str, Any]:
    """What `frontier check --json` prints. Raises InputError for whatever is wrong with the space, BlockedError
    for data that are not there. `cost` is that of the method which may take longest, on this machine."""
    question = load_space(str(space))
    concurrency = concurrency_of(question)
    costs = {
        method: cost.of(question.spec(dearest(question, method), seed=0), Source(question.data.name, data))
        for method in question.method_names
    }
    return {
        "space": question.name,
        "question": question.question,
        "space_hash": question.space_hash,
        "data": question.data.name,
        "network": question.network.model_dump(),
        "relus": question.relus,
        "anchors": list(question.anchors),
        "methods": {
            method: {name: str(domain) for name, domain in question.parameters(method).items()}
            for method in question.method_names
        },
        "objectives": list(question.objectives),
        "search": question.search.model_dump() | {"concurrency": concurrency},
        "resources": question.resources.model_dump(),
        "cost": cost.as_json(max(costs.values(), key=lambda c: c.trial_s), question.search.trials, concurrency),
    }


def dearest(question: Space, method: str) -> dict[str, Scalar]:
    """The assignment with every parameter at its largest value: no other one runs longer."""
    assignment: dict[str, Scalar] = {"method": method}
    for name, domain in question.parameters(method).items():
        assignment[name] = domain.probes[-1]
    return assignment
