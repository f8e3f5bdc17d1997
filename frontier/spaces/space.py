"""Space: a resolved question. What is fixed, what a search may vary, and how an assignment becomes a TrialSpec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from frontier.errors import InputError, nearest
from frontier.frozen import Grown, digest
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Scalar, TeacherSpec, TrialSpec
from frontier.spaces.constraints import Constraint, constraints_of
from frontier.spaces.domain import AnyDomain, Domain
from frontier.spaces.goals import FOUR, Goals, goals_of

Value = AnyDomain | Scalar | tuple[Scalar, ...]  # a domain or a constant; tuples are a recipe's milestones, snapshots
QUESTION = ("data", "network", "teacher", "relu_budget", "anchors", "methods", "finetune", "measure", "objectives")


class SearchSettings(Grown):
    """How the question is searched; no part of it. `trials` is the study's total."""

    NEWER = frozenset({"pruner"})

    trials: int = Field(default=100, gt=0)
    sampler: str = "gp"  # by measurement: docs/samplers.md
    seed: int = Field(default=0, ge=0)
    pruner: str | None = None  # who stops trials early; None: nobody
    # trials at once; auto: as many as the resources carry
    concurrency: Literal["auto"] | Annotated[int, Field(gt=0)] = "auto"


def is_share(gpus: float) -> bool:
    """Whether a trial can be given so many GPUs: a share of one, or a whole number of them."""
    return gpus >= 0 and (gpus <= 1 or gpus % 1 == 0)


class Resources(Grown):
    """What one trial is given. Fractions share a device between trials."""

    NEWER = frozenset({"gpu_gib", "deadline_min"})

    cpu: float = Field(default=1.0, gt=0)
    gpu: float = Field(default=0.0, ge=0)
    gpu_gib: float | None = Field(
        default=None,
        gt=0,
        description="memory of a GPU in place of a share: as many trials on each as the smallest holds",
    )
    deadline_min: float | None = Field(default=None, gt=0, description="minutes after which a trial is stopped, FAILED")

    @model_validator(mode="after")
    def _one_of_both(self) -> Resources:
        if self.gpu and self.gpu_gib is not None:
            raise ValueError("one of gpu (a share) and gpu_gib (memory)")
        if not is_share(self.gpu):
            raise ValueError("a gpu of 0 to 1, or a whole number of them")
        return self


class Space(Grown):
    """A question whose budgets are counts and whose knobs are complete, so that it needs no look-up to be used.

    `methods` maps a method to all its knobs, `finetune` holds all fields of a Recipe: each a constant or a Domain.
    """

    NEWER = frozenset({"constraints"})

    name: str
    question: str
    data: DataSpec
    network: NetworkSpec
    relus: int = Field(ge=0)  # of the network as built
    teacher: TeacherSpec
    relu_budget: AnyDomain | int
    anchors: tuple[int, ...] = ()  # budgets to be asked first
    methods: dict[str, dict[str, Value]]
    finetune: dict[str, Value]
    passes: float | None = None  # see TrialSpec.passes
    measure: MeasureSpec
    objectives: tuple[str, ...] = FOUR.names
    constraints: tuple[str, ...] = ()  # part of the question too
    search: SearchSettings = SearchSettings()
    resources: Resources = Resources()

    @property
    def space_hash(self) -> str:
        """Equal for equal questions; name, wording, search settings and resources do not count."""
        question = self.model_dump(mode="json", include=set(QUESTION))
        later = {"passes": self.passes, "constraints": list(self.constraints) or None}  # as far as there are any
        return digest(question | {key: value for key, value in later.items() if value is not None})

    @property
    def goals(self) -> Goals:
        """The objectives, with what a point is worth by each."""
        return goals_of(self.objectives)

    @property
    def limits(self) -> tuple[Constraint, ...]:
        """The constraints, resolved."""
        return constraints_of(self.constraints)

    @property
    def method_names(self) -> tuple[str, ...]:
        return tuple(sorted(self.methods))

    def parameters(self, method: str) -> dict[str, Domain]:
        """What may vary under `method`: `relu_budget`, `snl.penalty`, `finetune.lr`, ..., always in this order."""
        if method not in self.methods:
            raise InputError(f"unknown method '{method}' in the space '{self.name}'. {nearest(method, self.methods)}")
        knobs, finetune = self.methods[method], self.finetune
        values: dict[str, Value] = {"relu_budget": self.relu_budget}
        values |= {f"{method}.{knob}": knobs[knob] for knob in sorted(knobs)}
        values |= {f"finetune.{field}": finetune[field] for field in sorted(finetune)}
        return {key: value for key, value in values.items() if isinstance(value, Domain)}

    def spec(self, assignment: Mapping[str, Scalar], *, seed: int) -> TrialSpec:
        """The trial that `assignment` asks for: `method` and a value for each of its `parameters`.

        Raises InputError for a missing or unknown parameter and for a value outside its domain.
        """
        method = str(assignment.get("method"))
        self._check(method, assignment)
        fields = {
            "data": self.data,
            "network": self.network,
            "teacher": self.teacher,
            "method": method,
            "knobs": _filled(self.methods[method], method, assignment),
            "relu_budget": assignment.get("relu_budget", self.relu_budget),
            "finetune": _filled(self.finetune, "finetune", assignment),
            "passes": self.passes,
            "measure": self.measure,
            "seed": seed,
            "space_hash": self.space_hash,
        }
        return TrialSpec.model_validate(fields)

    def _check(self, method: str, assignment: Mapping[str, Scalar]) -> None:
        domains = self.parameters(method)
        where = f"space '{self.name}', method '{method}'"
        for key in assignment.keys() - domains.keys() - {"method"}:
            raise InputError(f"unknown parameter '{key}'. {nearest(key, domains)}", where=where)
        for key, domain in domains.items():
            if key not in assignment:
                raise InputError(f"no value for the parameter '{key}'", where=where, expected=str(domain))
            if not domain.contains(assignment[key]):
                raise InputError(
                    f"a value outside the domain of '{key}'", where=where, expected=str(domain), got=assignment[key]
                )


def _filled(values: Mapping[str, Value], prefix: str, assignment: Mapping[str, Scalar]) -> dict[str, object]:
    """`values` with every domain replaced by what was drawn from it."""
    return {key: assignment[f"{prefix}.{key}"] if isinstance(value, Domain) else value for key, value in values.items()}
