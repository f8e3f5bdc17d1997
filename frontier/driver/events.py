"""The event vocabulary: what `events.jsonl`, `--json` and the live panel are told, one frozen value each.

Every event carries `v` (version of this vocabulary), `ts` (ISO 8601, UTC) and `event` (its name).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from frontier.frozen import Frozen
from frontier.results.record import TrialRecord
from frontier.results.store import StudyManifest


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class _Event(Frozen):
    v: Literal[1] = 1
    ts: str = Field(default_factory=_now)


class Counts(Frozen):
    """Trials by state. `unfinished` were handed out and have no record yet; `unreadable` have one that is broken."""

    complete: int = 0
    pruned: int = 0
    failed: int = 0
    unfinished: int = 0
    unreadable: int = 0


class Started(_Event):
    """The first driver of a study begins. `trials` is the study's total, `relus` those of the whole network."""

    event: Literal["started"] = "started"
    study: str
    space_hash: str
    sampler: str
    seed: int
    trials: int
    relus: int

    @classmethod
    def of(cls, about: StudyManifest, trials: int) -> Started:
        """The event that announces a study."""
        return cls(
            study=about.name,
            space_hash=about.space_hash,
            sampler=about.sampler,
            seed=about.seed,
            trials=trials,
            relus=about.relus,
        )


class Resumed(_Event):
    """A later driver goes on, from `front` (as in Front). `again` are handed out once more under their old numbers."""

    event: Literal["resumed"] = "resumed"
    study: str
    trials: int
    counts: Counts
    again: tuple[int, ...] = ()
    front: tuple[str, ...]
    hypervolume: float


class Asked(_Event):
    """A trial is handed out."""

    event: Literal["asked"] = "asked"
    trial: int
    method: str
    relu_budget: int


class Finished(_Event):
    """A trial's record was read. The accuracies are validation fractions of the asked point, None unless complete."""

    event: Literal["finished"] = "finished"
    trial: int
    replicates: int | None = None  # the trial that it is with another seed; it then counts towards no total
    state: Literal["complete", "pruned", "failed"]
    reason: str | None = None
    method: str
    relu_budget: int
    relu_count: int | None = None
    clean: float | None = None
    corrupted: float | None = None
    adversarial: float | None = None
    points: int = 0
    clean_by_point: tuple[tuple[int, float], ...] = ()  # (ReLU count, clean) of every point, the extras among them
    wall_s: float = 0.0

    @classmethod
    def of(cls, trial: int, record: TrialRecord) -> Finished:
        """The event that announces a record."""
        asked = record.points[0] if record.state == "complete" else None
        scores = asked.validation if asked else None
        return cls(
            trial=trial,
            replicates=record.spec.replicates,
            state=record.state,
            reason=record.reason,
            method=record.spec.method,
            relu_budget=record.spec.relu_budget,
            relu_count=asked.relu_count if asked else None,
            clean=scores.clean.value if scores else None,
            corrupted=scores.corrupted.value if scores else None,
            adversarial=scores.adversarial.value if scores else None,
            points=len(record.points),
            clean_by_point=tuple((point.relu_count, point.validation.clean.value) for point in record.points),
            wall_s=sum(record.origin.wall_s.values()),
        )


class Front(_Event):
    """Where the study stands after a finished trial: `front` lists addresses (`N` or `N.K`) by the first cost."""

    event: Literal["front"] = "front"
    counts: Counts
    front: tuple[str, ...]
    hypervolume: float


class Warned(_Event):
    """Something that a person should know and that stops nothing."""

    event: Literal["warning"] = "warning"
    message: str
    trial: int | None = None


class Stopping(_Event):
    """No more trials are handed out; those that run may finish."""

    event: Literal["stopping"] = "stopping"
    reason: str


class Done(_Event):
    """All trials of the study are handed out and finished."""

    event: Literal["done"] = "done"
    counts: Counts
    front: tuple[str, ...]
    hypervolume: float


class Interrupted(_Event):
    """The driver ends before the study's total is reached; everything finished is kept."""

    event: Literal["interrupted"] = "interrupted"
    reason: str
    counts: Counts


Event = Annotated[
    Started | Resumed | Asked | Finished | Front | Warned | Stopping | Done | Interrupted, Field(discriminator="event")
]
