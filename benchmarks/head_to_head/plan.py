"""The list of trials: who runs with which knobs, budget and seed, under which number. Read off contenders.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from frontier import registry
from frontier.errors import InputError
from frontier.results.spec import Recipe, TrialSpec
from frontier.spaces.space import Space
from frontier.training.finetune import Finetuning
from frontier.training.sensitivity import Proxy
from frontier.trial.check import check

HERE = Path(__file__).parent
MASKS = "masks"  # the knob of a method that is its own control: where its masks come from


@dataclass(frozen=True)
class Attempt:
    """One setting: knobs of the method, and what the finetuning recipe has other than the space's."""

    knobs: Mapping[str, Any] = field(default_factory=dict)
    finetune: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """`control` is None for a control. `criterion`: what an attempt is judged by, on validation."""

    name: str
    method: str
    attempts: tuple[Attempt, ...]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    control: str | None = None
    criterion: tuple[str, ...] = ("clean",)


@dataclass(frozen=True)
class Job:
    """One trial of the list."""

    trial: int
    contender: Contender
    attempt: int
    relu_budget: int
    seed: int


@dataclass(frozen=True)
class Plan:
    """The whole comparison. Numbers of trials stay what they are when seeds are added."""

    space: Space
    contenders: tuple[Contender, ...]  # controls first
    budgets: tuple[int, ...]
    tuning_budget: int
    tuning_seed: int

    def __getitem__(self, name: str) -> Contender:
        return next(one for one in self.contenders if one.name == name)

    def tuning(self) -> Iterator[Job]:
        """Every attempt of everybody, controls first."""
        pairs = [(one, index) for one in self.contenders for index in range(len(one.attempts))]
        for trial, (contender, attempt) in enumerate(pairs):
            yield Job(trial, contender, attempt, self.tuning_budget, self.tuning_seed)

    def comparison(self, seeds: int, chosen: Mapping[str, int]) -> Iterator[Job]:
        """Everybody's chosen attempt at every budget, seed after seed."""
        each = [(budget, one) for budget in self.budgets for one in self.contenders]
        for seed in range(seeds):
            for index, (budget, contender) in enumerate(each):
                yield Job(seed * len(each) + index, contender, chosen[contender.name], budget, seed)

    def spec(self, job: Job, chosen: Mapping[str, int]) -> TrialSpec:
        """The trial of a job. A contender takes over its control's chosen recipe and finetuning knobs."""
        space, one = self.space, job.contender
        own = one.attempts[job.attempt]
        knobs, finetune = dict(own.knobs), dict(own.finetune)
        if one.control is not None:
            control = self[one.control]
            theirs = control.attempts[chosen[control.name]]
            shared = control.knobs | theirs.knobs if control.method == one.method else _finetuning(control, theirs)
            knobs, finetune = {**shared, **one.knobs, **knobs}, dict(theirs.finetune)
        else:
            knobs = {**one.knobs, **knobs}
        recipe = {key: value for key, value in space.finetune.items() if key in Recipe.model_fields} | finetune
        model = registry.load("method", one.method).Knobs
        return TrialSpec(
            data=space.data,
            network=space.network,
            teacher=space.teacher,
            method=one.method,
            knobs=model.model_validate(knobs).model_dump(exclude_none=True),
            relu_budget=job.relu_budget,
            finetune=Recipe.model_validate(recipe),
            passes=space.passes,
            measure=space.measure,
            seed=job.seed,
            space_hash=space.space_hash,
        )


def read(space: Space, path: Path = HERE / "contenders.yaml") -> Plan:
    """The plan in a file. Raises InputError for what cannot be, and for a contender that would not share
    its control's recipe."""
    if space.passes is None:
        raise InputError("a space without `passes`", where=space.name, fix="say how much training everybody gets")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the contenders ({error.strerror})", where=str(path)) from None
    contenders = [_contender(name, one) for part in ("controls", "contenders") for name, one in raw[part].items()]
    for one in contenders:
        said = {key for attempt in (one, *one.attempts) for key in attempt.knobs} & Finetuning.model_fields.keys()
        if one.control is not None and (said or any(attempt.finetune for attempt in one.attempts)):
            raise InputError(f"{one.name}: {sorted(said)} and the recipe are its control's to say", where=str(path))
        if one.control is not None and one.method == raw["controls"][one.control]["method"]:
            own = {key for attempt in (one, *one.attempts) for key in attempt.knobs}
            if not own <= {MASKS, *Proxy.model_fields}:
                raise InputError(f"{one.name}: {sorted(own)} are more than where its masks come from", where=str(path))
    plan = Plan(
        space=space,
        contenders=tuple(contenders),
        budgets=tuple(_count(budget, space.relus) for budget in raw["budgets"]),
        tuning_budget=_count(raw["tuning"]["budget"], space.relus),
        tuning_seed=raw["tuning"]["seed"],
    )
    for job in plan.tuning():  # every setting, before the first of them runs
        try:
            check(plan.spec(job, dict.fromkeys((one.name for one in contenders), 0)))
        except ValidationError as error:
            raise InputError(f"{job.contender.name}, attempt {job.attempt}: {error}", where=str(path)) from None
    return plan


def _contender(name: str, raw: Mapping[str, Any]) -> Contender:
    attempts = tuple(Attempt(_numbers(a.get("knobs", {})), _numbers(a.get("finetune", {}))) for a in raw["attempts"])
    return Contender(
        name=name,
        method=raw["method"],
        attempts=attempts,
        knobs=_numbers(raw.get("knobs", {})),
        control=raw.get("control"),
        criterion=tuple(raw.get("criterion", ["clean"])),
    )


def _finetuning(control: Contender, attempt: Attempt) -> dict[str, Any]:
    """The finetuning knobs of a control, its method's defaults among them."""
    model = registry.load("method", control.method).Knobs.model_validate({**control.knobs, **attempt.knobs})
    return {key: getattr(model, key) for key in Finetuning.model_fields}


def _numbers(raw: Mapping[str, Any]) -> dict[str, Any]:
    """YAML 1.1 reads 2e-3 as text."""
    found = {}
    for key, value in raw.items():
        try:
            found[key] = float(value) if isinstance(value, str) else value
        except ValueError:
            found[key] = value
    return found


def _count(share: str, relus: int) -> int:
    return int(Fraction(share.rstrip("%")) * relus / 100)
