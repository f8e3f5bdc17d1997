"""TrialRecord: what a trial measured. Records are the truth; everything else can be rebuilt from them."""

from __future__ import annotations

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from frontier.frozen import Frozen, Grown
from frontier.results.evaluation import Evaluation
from frontier.results.measure import Measure
from frontier.results.measured import Measurement
from frontier.results.profile import Profile
from frontier.results.spec import NetworkSpec, TrialSpec

VERSION: Final = 1
State = Literal["complete", "pruned", "failed"]


class Scores(Grown):
    """The three accuracies on one split. `parts` breaks the two means up: `gaussian_noise/3`, `pgd/2` (eps*255), and
    `official/gaussian_noise/3` for the official files, which are a measure of their own and no part of `corrupted`."""

    NEWER = frozenset({"corrupted_official"})

    clean: Measure
    corrupted: Measure
    adversarial: Measure
    parts: dict[str, Measure] = {}
    corrupted_official: Measure | None = None  # on the official CIFAR-C files, where they were asked for


class ReluCount(Frozen):
    """ReLUs really evaluated, measured by running the network, with and without the stem / final one."""

    full: int = Field(ge=0)
    inner: int = Field(ge=0)


class MaskFile(Frozen):
    """A mask beside the record: file name in the trial's folder, and the hash of the mask as a value."""

    file: str
    hash: str


class Splits(Frozen):
    """The scores of one network on both splits."""

    validation: Scores
    test: Scores


class Point(Frozen):
    """One network that a trial produced. Point 0 is the one at the asked budget; others are marked `extra`, and `label`
    says what they are. A network that was trained with several norm branches has one `branch` in service, for clean,
    corrupted and attacked images alike, and the attacker knows it; `branches` holds the scores through every one."""

    role: Literal["asked", "extra"] = "asked"
    label: str = ""
    network: NetworkSpec | None = None  # where it is not the spec's
    branch: str | None = None
    branches: dict[str, Splits] = {}
    relu_budget: int = Field(ge=0)
    relu_count: int = Field(ge=0)  # in the convention of the built network
    counts: ReluCount
    validation: Scores
    test: Scores
    profile: Profile
    mask: MaskFile
    weights: str | None = None  # file name in the trial's folder, while it is kept


class Teacher(Frozen):
    """The teacher that the trial started from, with its own clean accuracies."""

    hash: str
    validation: Measure
    test: Measure


class CorruptionSet(Frozen):
    """The corrupted images of a split: `label` says what they are, `hash` is that of their files."""

    label: str
    hash: str


class Origin(Grown):
    """Where the numbers come from. `reused`: what was made for other trials, or by them meanwhile, and not once
    more, by name: teachers and what is cached beside them, corrupted images, a mask search up to an epoch."""

    NEWER = frozenset({"reused"})

    code_version: str
    fidelity: Literal["authors_code", "paper", "reconstruction", "baseline"] | None = None
    device: str
    threads: int
    compiled: bool = False
    libraries: dict[str, str] = {}
    plugins: dict[str, str] = {}  # parts from outside frontier: `method/mine` -> start of their file's SHA-256
    host: str = ""
    started_at: str = ""  # ISO 8601, UTC
    wall_s: dict[str, float] = {}  # seconds by stage
    reused: dict[str, str] = {}


class TrialRecord(Grown):
    """The outcome of one trial. Complete means: every accuracy measured and finite. A number never means failure."""

    NEWER = frozenset({"corruption_sets", "evaluations", "measurements"})

    version: Literal[1] = VERSION
    trial: int | None = None
    state: State
    reason: str | None = None  # why it failed or was pruned
    spec: TrialSpec
    points: tuple[Point, ...] = ()
    teacher: Teacher | None = None
    passes: dict[str, float] = {}  # network passes per training image that each stage took
    shared_passes: dict[str, float] = {}  # that teachers and proxies took, once for all trials: not in `passes`
    notes: tuple[str, ...] = ()  # what a reader must know, such as a repaired budget
    corruption_sets: dict[str, CorruptionSet] = {}  # by split; `official` for the official files of the test split
    evaluations: tuple[Evaluation, ...] = ()  # made later, of this record's points
    measurements: tuple[Measurement, ...] = ()  # so too, of private inference
    origin: Origin

    @model_validator(mode="after")
    def _state_fits(self) -> Self:
        if self.state == "complete" and (not self.points or self.points[0].role != "asked"):
            raise ValueError("a complete record starts with the point at the asked budget")
        if self.state != "complete" and not self.reason:
            raise ValueError(f"a {self.state} record says why")
        return self

    def comparable(self) -> dict[str, Any]:
        """The record without what may differ between two runs of one spec: trial number, evaluations, measurements of
        private inference, host, timings, what was reused."""
        later = {"trial": True, "evaluations": True, "measurements": True}
        return self.model_dump(mode="json", exclude={**later, "origin": {"host", "started_at", "wall_s", "reused"}})


def address(trial: int, point: int) -> str:
    """`N` for the asked point of trial N, `N.K` for its extra point K."""
    return f"{trial}.{point}" if point else str(trial)
