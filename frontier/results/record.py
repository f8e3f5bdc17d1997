"""TrialRecord: what a trial measured. Records are the truth; everything else can be rebuilt from them."""

from __future__ import annotations

import math
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from frontier.frozen import Frozen
from frontier.results.profile import Profile
from frontier.results.spec import NetworkSpec, TrialSpec

VERSION: Final = 1
State = Literal["complete", "pruned", "failed"]
Z95 = 1.959963984540054


class Measure(Frozen):
    """An accuracy in [0, 1] over `n` images with its 95 % Wilson interval [low, high]."""

    value: float = Field(ge=0, le=1)
    n: int = Field(gt=0)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)

    @classmethod
    def of(cls, value: float, n: int) -> Measure:
        """From a mean over `n` distinct images (Wilson 1927). A mean over several corruptions or attack
        strengths of the same images is given the interval of one of them: never too narrow."""
        centre = (value + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
        half = Z95 / (1 + Z95**2 / n) * math.sqrt(value * (1 - value) / n + Z95**2 / (4 * n * n))
        return cls(value=value, n=n, low=max(0.0, min(value, centre - half)), high=min(1.0, max(value, centre + half)))


class Scores(Frozen):
    """The three accuracies on one split. `parts` breaks the two means up: `gaussian_noise/3`, `pgd/2` (eps*255)."""

    clean: Measure
    corrupted: Measure
    adversarial: Measure
    parts: dict[str, Measure] = {}


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


class Origin(Frozen):
    """Where the numbers come from."""

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


class TrialRecord(Frozen):
    """The outcome of one trial. Complete means: every accuracy measured and finite. A number never means failure."""

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
    origin: Origin

    @model_validator(mode="after")
    def _state_fits(self) -> Self:
        if self.state == "complete" and (not self.points or self.points[0].role != "asked"):
            raise ValueError("a complete record starts with the point at the asked budget")
        if self.state != "complete" and not self.reason:
            raise ValueError(f"a {self.state} record says why")
        return self

    def comparable(self) -> dict[str, Any]:
        """The record without what may differ between two runs of one spec: trial number, host and timings."""
        return self.model_dump(mode="json", exclude={"trial": True, "origin": {"host", "started_at", "wall_s"}})


def address(trial: int, point: int) -> str:
    """`N` for the asked point of trial N, `N.K` for its extra point K."""
    return f"{trial}.{point}" if point else str(trial)
