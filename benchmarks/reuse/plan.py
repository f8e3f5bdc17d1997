"""The list of trials: for each method and seed every budget by itself, every budget on one trajectory, and one trial
whose snapshots are the budgets. Read off questions.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from frontier import registry
from frontier.api.lookups import load_space
from frontier.errors import InputError, nearest
from frontier.results.spec import TrialSpec
from frontier.trial.check import check, relus_of

HERE = Path(__file__).parent
SIDES = ("full", "snapshots", "trajectory")
PROXY = "senet"
ALONE = ("made", "reused")  # a trial that makes all that trials share, and the same one again


@dataclass(frozen=True)
class Job:
    """One trial. `side` is one of SIDES, or one of ALONE."""

    side: str
    method: str
    seed: int
    spec: TrialSpec

    @property
    def name(self) -> str:
        return f"{self.side}-{self.about}"

    @property
    def about(self) -> str:
        """What trials of several sides have in common."""
        return f"{self.method}-{self.seed}-{self.spec.relu_budget}"


@dataclass(frozen=True)
class Plan:
    name: str
    base: TrialSpec
    budgets: tuple[int, ...]  # falling
    methods: Mapping[str, Mapping[str, Any]]
    proxy: Mapping[str, Any]

    def alone(self) -> Iterator[Job]:
        """What the sharing of teachers, sensitivity runs and corrupted images is read off: SENet's trial twice."""
        for side in ALONE:
            yield Job(side, PROXY, 0, self._spec(PROXY, self.proxy, self.budgets[1], 0))

    def trials(self, seeds: int) -> Iterator[Job]:
        """Seed after seed, so that what the machine does meanwhile meets all sides alike."""
        for seed in range(seeds):
            for method, said in self.methods.items():
                knobs = {**said, "search_seed": seed}
                for side in SIDES:
                    below = {**knobs, "snapshots": self.budgets[:-1]} if side == "snapshots" else knobs
                    for budget in self.budgets[-1:] if side == "snapshots" else self.budgets:
                        yield Job(side, method, seed, self._spec(method, below, budget, seed))

    def warm_up(self, method: str) -> TrialSpec:
        """A trial that is over soon and has compiled what the others will, with a teacher of its own."""
        said = self.methods.get(method, self.proxy)
        knobs = {key: 1 if key.endswith("epochs") and key != "patience_epochs" else said[key] for key in said}
        spec = self._spec(method, knobs, self.budgets[0], 0)
        recipe, finetune = (one.model_copy(update={"epochs": 1}) for one in (spec.teacher.recipe, spec.finetune))
        teacher = spec.teacher.model_copy(update={"recipe": recipe})
        return spec.model_copy(update={"teacher": teacher, "finetune": finetune})

    def _spec(self, method: str, knobs: Mapping[str, Any], budget: int, seed: int) -> TrialSpec:
        said = registry.load("method", method).Knobs.model_validate(knobs).model_dump(exclude_none=True)
        changed = {"method": method, "knobs": said, "relu_budget": budget, "seed": seed}
        spec = TrialSpec.model_validate(self.base.model_dump() | changed)
        check(spec)
        return spec


def read(name: str) -> Plan:
    """The plan of a question. Raises InputError for an unknown name."""
    questions = yaml.safe_load((HERE / "questions.yaml").read_text(encoding="utf-8"))
    if name not in questions:
        raise InputError(f"no question '{name}'", where="benchmarks/reuse", expected=nearest(name, questions))
    raw = questions[name]
    space = load_space(raw["space"])
    data = space.data.model_copy(update={"train_images": raw.get("train_images", space.data.train_images)})
    network = space.network.model_copy(update={"options": space.network.options | raw.get("network", {})})
    recipe = space.teacher.recipe.model_copy(update=raw.get("teacher", {}))
    first = TrialSpec(
        data=data,
        network=network,
        teacher=space.teacher.model_copy(update={"recipe": recipe}),
        method="random",
        relu_budget=0,
        finetune={**space.finetune, **raw["finetune"]},
        measure=space.measure.model_dump() | raw.get("measure", {}),
        space_hash=space.space_hash,
    )
    relus = relus_of(network, data)
    budgets = tuple(int(Fraction(share.rstrip("%")) * relus / 100) for share in raw["budgets"])
    methods = {method: numbers(knobs) for method, knobs in raw["methods"].items()}
    return Plan(name, first, budgets, methods, numbers(raw["proxy"]))


def numbers(raw: Mapping[str, Any]) -> dict[str, Any]:
    """YAML 1.1 reads 2e-3 as text."""
    return {key: float(value) if isinstance(value, str) and value[0].isdigit() else value for key, value in raw.items()}
