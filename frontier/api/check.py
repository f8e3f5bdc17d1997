"""What a search would do and cost, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from frontier.api import cost
from frontier.api.lookups import load_space
from frontier.api.search import concurrency_of
from frontier.mirror import home_at
from frontier.results.spec import Recipe, Scalar
from frontier.results.store import Study
from frontier.shelves import DEFAULT_HOME
from frontier.spaces.space import Space
from frontier.training.forward import can_compile
from frontier.trial.check import check as check_spec
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source
from frontier.trial.teacher import is_trained


def check(space: str | Path, *, home: Path | str = DEFAULT_HOME, data: Path | None = None) -> dict[str, Any]:
    """What `frontier check --json` prints. Raises InputError for whatever is wrong with the space and for
    data that are not there. `cost` is that of the method which may take longest, on this machine; `home` is where
    the study would be and where its teacher may lie already."""
    question, folder = load_space(str(space)), home_at(home)
    concurrency = concurrency_of(question)
    runtime = Runtime(home=folder, data=data)
    source = Source.of(question.data, runtime.data_folder())
    specs = {method: question.spec(largest(question, method), seed=0) for method in question.method_names}
    for spec in specs.values():
        check_spec(spec)
    source.ready(question.measure)
    costs = {method: cost.of(spec, source) for method, spec in specs.items()}
    spec = next(iter(specs.values()))
    return {
        "space": question.name,
        "question": question.question,
        "space_hash": question.space_hash,
        "data": question.data.name,
        "network": question.network.model_dump(),
        "relus": question.relus,
        "study_exists": Study(folder, question.name).exists(),
        "teacher": {"hash": spec.teacher_hash, "trained": is_trained(spec, folder)},
        "training": training(spec.teacher.recipe, runtime.torch_device()),
        "anchors": list(question.anchors),
        "methods": {
            method: {name: str(domain) for name, domain in question.parameters(method).items()}
            for method in question.method_names
        },
        "objectives": list(question.objectives),
        "constraints": list(question.constraints),
        "passes": question.passes,
        "search": question.search.model_dump() | {"concurrency": concurrency},
        "resources": question.resources.model_dump(),
        "cost": cost.as_json(max(costs.values(), key=lambda c: c.trial_s), question.search.trials, concurrency),
    }


def training(recipe: Recipe, device: torch.device) -> str:
    """How the teacher's recipe would run here: `compiled bfloat16 on cpu`, or why it is not compiled."""
    reason = can_compile(device) if recipe.compile else "not asked for"
    return f"{'compiled' if reason is None else f'eager ({reason})'} {recipe.precision} on {device}"


def largest(question: Space, method: str) -> dict[str, Scalar]:
    """The assignment with every parameter at its largest value: the most epochs that the space allows."""
    assignment: dict[str, Scalar] = {"method": method}
    for name, domain in question.parameters(method).items():
        assignment[name] = domain.probes[-1]
    return assignment
