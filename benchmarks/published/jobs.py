"""The trials: a paper's method at its own schedule, as TrialSpecs. Read off schedules.yaml and the space."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from frontier import registry, shelves
from frontier.api.lookups import LOOKUPS
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Recipe, TeacherSpec, TrialSpec
from frontier.spaces.load import load
from frontier.spaces.space import Space

HERE = Path(__file__).parent
SPACE = "cifar100_resnet18"
EPOCHS = ("epochs", "max_epochs", "mask_epochs", "proxy_epochs")  # knobs that a scale multiplies
FASTEST = 0.02  # of masks and scores, in a shortened search
# SNL's search ends at its budget; the authors' runs got there after so many epochs (mean of ten, by a third party)
SNL_EPOCHS = {100_000: 127, 50_000: 243, 25_000: 352, 15_000: 426, 12_900: 445}
SMOKE = MeasureSpec(
    validation_images=32,
    test_images=32,
    corruptions=("contrast",),
    severities=(3,),
    corrupted_images=8,
    attack_steps=1,
    attack_eps_255=(1,),
    attack_images=8,
)


@dataclass(frozen=True)
class Job:
    """One trial, and the budgets that it answers: its own and those of its snapshots."""

    method: str
    budgets: tuple[int, ...]
    spec: TrialSpec


Planned = Callable[[float], list[Job]]  # scale -> the trials


def space() -> Space:
    """The space, without what a search needs besides: samplers are named, not imported."""
    path = shelves.find("search_spaces", SPACE)
    return load(path, LOOKUPS)


def jobs(
    question: Space,
    methods: Sequence[str],
    budgets: Sequence[int],
    *,
    scale: float = 1.0,
    shared: bool = False,
    smoke: bool = False,
    seed: int = 0,
) -> list[Job]:
    """Every method at every budget, at `scale` of the papers' epochs. `shared`: with the space's teacher, finetuning
    (at its lowest rate) and ReLU convention for all, and not each paper's. `smoke`: as small as it runs at all."""
    schedules = yaml.safe_load((HERE / "schedules.yaml").read_text(encoding="utf-8"))
    unknown = [method for method in methods if method not in schedules]
    if unknown:
        raise SystemExit(f"no schedule for {', '.join(unknown)}; there are {', '.join(schedules)}")
    found = []
    for method in methods:
        schedule = schedules[method]
        asked = sorted(set(budgets))
        groups = [tuple(asked)] if schedule.get("snapshots") else [(budget,) for budget in asked]
        for group in groups:
            spec = _spec(question, method, schedule, group, shared=shared, seed=seed)
            spec = scaled(spec, scale)
            found.append(Job(method, group, _smallest(spec) if smoke else spec))
    return found


def _spec(
    question: Space, method: str, schedule: Mapping[str, Any], budgets: Sequence[int], *, shared: bool, seed: int
) -> TrialSpec:
    knobs = {"checkpoint": "validation"} | dict(schedule.get("knobs", {}))
    limits = [limit for limit in sorted(schedule.get("by_budget", {})) if limit >= budgets[0]]
    if limits:
        knobs |= schedule["by_budget"][limits[0]]
    if len(budgets) > 1:
        knobs["snapshots"] = tuple(budgets[1:])
    teacher, network = question.teacher, question.network
    finetune = {key: getattr(value, "low", value) for key, value in question.finetune.items()}
    if not shared:
        recipe = question.teacher.recipe.model_dump() | schedule["teacher"]
        teacher = TeacherSpec(recipe=Recipe.model_validate(recipe), seed=question.teacher.seed)
        network = NetworkSpec.model_validate(network.model_dump() | {"sites": schedule["sites"]})
        finetune |= schedule["finetune"]
    return TrialSpec(
        data=question.data,
        network=network,
        teacher=teacher,
        method=method,
        knobs=_complete(method, knobs),
        relu_budget=budgets[0],
        finetune=Recipe.model_validate(finetune),
        measure=question.measure,
        seed=seed,
    )


def scaled(spec: TrialSpec, scale: float) -> TrialSpec:
    """The same trial in `scale` of its epochs. A shortened search moves its masks as much faster (up to FASTEST), grows
    its penalty as much faster, and fills its budget exactly, since it goes past it in larger steps."""
    if scale == 1:
        return spec
    knobs: dict[str, Any] = dict(spec.knobs)
    for key in EPOCHS:
        if key in knobs:
            knobs[key] = _epochs(knobs[key], scale)
    fast = max(knobs.get("lr", 0), min(knobs.get("lr", 0) / scale, FASTEST))
    if spec.method == "snl":
        knobs |= {"mask_lr": fast, "threshold": max(knobs["threshold"], 1.5 * fast), "exact": True}
        knobs |= {"growth": min(knobs["growth"] ** (1 / scale), 4.0), "patience_epochs": int(5 * scale)}
    if spec.method == "autorep":
        knobs |= {"score_lr": fast, "warmup_steps": _epochs(knobs["warmup_steps"], scale), "exact": True}
    return _with(
        spec,
        knobs=_complete(spec.method, knobs),
        teacher=spec.teacher.model_copy(update={"recipe": _shorter(spec.teacher.recipe, scale)}),
        finetune=_shorter(spec.finetune, scale),
    )


def _smallest(spec: TrialSpec) -> TrialSpec:
    """The same path on 64 images and one epoch a stage, in float32 and eagerly: minutes on a CPU, and no result."""
    small = {"batch": 32, "precision": "float32", "compile": False}
    teacher = spec.teacher.recipe.model_copy(update=small | {"epochs": 1})
    knobs: dict[str, Any] = spec.knobs | {key: 1 for key in EPOCHS if key in spec.knobs}
    knobs |= {key: 32 for key in ("batch", "mask_batch") if key in knobs}
    if spec.method == "snl":  # two steps of Adam take every mask to its end, past all budgets
        knobs |= {"mask_lr": 0.6, "penalty": 1.0, "exact": True}
    return _with(
        spec,
        data=DataSpec(name=spec.data.name, train_images=64),
        knobs=_complete(spec.method, knobs),
        teacher=TeacherSpec(recipe=teacher, seed=spec.teacher.seed),
        finetune=spec.finetune.model_copy(update=small | {"epochs": min(1, spec.finetune.epochs)}),
        measure=SMOKE,
    )


def passes(found: Sequence[Job]) -> float:
    """Network passes per training image of all jobs, about: shared teachers and sparse proxies once."""
    total, seen = 0.0, set()
    for job in found:
        spec, knobs = job.spec, job.spec.knobs
        teacher = 3.0 * spec.teacher.recipe.epochs
        proxy = 3.0 * float(str(knobs.get("proxy_epochs", spec.teacher.recipe.epochs))) if "proxy_lr" in knobs else 0.0
        for key, cost in ((("teacher", spec.teacher_hash), teacher), (("proxy", spec.teacher_hash), proxy)):
            total += 0.0 if key in seen else cost
            seen.add(key)
        method = registry.load("method", spec.method)
        search = float(method.passes(method.Knobs.model_validate(knobs)))
        if spec.method == "snl":
            search *= min(1.0, snl_epochs(job.budgets[0]) / method.Knobs.model_fields["max_epochs"].default)
        total += search + 4.0 * spec.finetune.epochs * len(job.budgets)
    return total


def snl_epochs(budget: int) -> int:
    """Epochs of SNL's search down to a budget, at its own schedule; from a table of runs, the next one below it."""
    return next((epochs for count, epochs in SNL_EPOCHS.items() if count <= budget), 500)


def _complete(method: str, knobs: Mapping[str, Any]) -> dict[str, Any]:
    model = registry.load("method", method).Knobs
    found: dict[str, Any] = model.model_validate(knobs).model_dump(exclude_none=True)
    return found


def _with(spec: TrialSpec, **changes: Any) -> TrialSpec:
    return TrialSpec.model_validate({**dict(spec), **changes})


def _shorter(recipe: Recipe, scale: float) -> Recipe:
    return recipe.model_copy(update={"epochs": _epochs(recipe.epochs, scale)})


def _epochs(epochs: int, scale: float) -> int:
    """None stays none; else at least one."""
    return max(1, math.floor(epochs * scale + 0.5)) if epochs else 0
