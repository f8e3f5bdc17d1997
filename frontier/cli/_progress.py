"""Progress: a study's events reduced to one frozen value, whatever was running when they were written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from frontier.results.record import address

Event = Mapping[str, Any]
RECENT = 20  # finished trials over which the gain in hypervolume is told
LAST = 6  # results that are kept for the panel
ENDED = ("complete", "pruned", "failed", "unreadable")


@dataclass(frozen=True)
class Result:
    """One finished trial. Accuracies are validation fractions, None unless the trial is complete."""

    trial: int
    state: str
    method: str
    relu_count: int | None
    clean: float | None
    corrupted: float | None
    adversarial: float | None
    wall_s: float
    reason: str


@dataclass(frozen=True)
class Best:
    """The point of the highest clean accuracy so far, by its address."""

    clean: float
    relu_count: int
    address: str


@dataclass(frozen=True)
class Progress:
    """Where a study stands after some events. `phase` is waiting, running, stopping, done or interrupted."""

    study: str = ""
    sampler: str = ""
    seed: int = 0
    relus: int = 0
    trials: int = 0
    phase: str = "waiting"
    why: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    running: Mapping[int, str] = field(default_factory=dict)  # trial -> `method @ budget`
    front: int = 0
    best: Best | None = None
    volumes: tuple[float, ...] = ()  # hypervolume after each of the last RECENT + 1 finished trials
    last: tuple[Result, ...] = ()
    warning: str = ""  # the latest warning or failure
    began_s: float = 0.0  # when this driver began, and when the last event came; seconds since the epoch
    now_s: float = 0.0
    ended_here: int = 0  # trials that finished since this driver began

    def reduce(self, event: Event) -> Progress:
        """The progress after one more event. Events that are unknown, or lack what is needed, change nothing."""
        step = _STEPS.get(str(event.get("event")))
        if step is None:
            return self
        try:
            return replace(step(self, event), now_s=datetime.fromisoformat(event["ts"]).timestamp())
        except (KeyError, TypeError, ValueError):
            return self

    @property
    def ended(self) -> int:
        """Trials that have a record, whatever their state."""
        return sum(self.counts.get(state, 0) for state in ENDED)

    @property
    def share(self) -> float:
        """Ended trials as a fraction of the study's total."""
        return min(self.ended / self.trials, 1.0) if self.trials else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds that are left at this driver's pace so far; None before its second finished trial."""
        if self.ended_here < 2 or self.trials <= self.ended:
            return None
        return (self.now_s - self.began_s) / self.ended_here * (self.trials - self.ended)

    @property
    def hypervolume(self) -> float:
        return self.volumes[-1] if self.volumes else 0.0

    @property
    def gain(self) -> tuple[float, int]:
        """How much the hypervolume grew, and over how many finished trials."""
        return (self.volumes[-1] - self.volumes[0], len(self.volumes) - 1) if self.volumes else (0.0, 0)


def _started(now: Progress, event: Event) -> Progress:
    return replace(
        _begun(now, event),
        sampler=event["sampler"],
        seed=event["seed"],
        relus=event["relus"],
        counts={},
        volumes=(0.0,),
    )


def _resumed(now: Progress, event: Event) -> Progress:
    standing = {"counts": event["counts"], "front": len(event["front"]), "volumes": (event["hypervolume"],)}
    return replace(_begun(now, event), **standing)


def _begun(now: Progress, event: Event) -> Progress:
    began_s = datetime.fromisoformat(event["ts"]).timestamp()
    names = {"study": event["study"], "trials": event["trials"]}
    return replace(now, **names, phase="running", why="", running={}, began_s=began_s, ended_here=0)


def _asked(now: Progress, event: Event) -> Progress:
    return replace(now, running={**now.running, event["trial"]: f"{event['method']} @ {event['relu_budget']:,}"})


def _finished(now: Progress, event: Event) -> Progress:
    result = Result(
        trial=event["trial"],
        state=event["state"],
        method=event["method"],
        relu_count=event["relu_count"],
        clean=event["clean"],
        corrupted=event["corrupted"],
        adversarial=event["adversarial"],
        wall_s=event["wall_s"],
        reason=event["reason"] or "",
    )
    best, own = now.best, event.get("replicates") is None
    for index, (relu_count, clean) in enumerate(event.get("clean_by_point", ()) if own else ()):
        if best is None or clean > best.clean:
            best = Best(clean, relu_count, address(result.trial, index))
    return replace(
        now,
        warning=f"trial {result.trial} failed: {result.reason}" if result.state == "failed" else now.warning,
        running={trial: text for trial, text in now.running.items() if trial != result.trial},
        counts={**now.counts, result.state: now.counts.get(result.state, 0) + own},
        last=(*now.last, result)[-LAST:],
        best=best,
        ended_here=now.ended_here + 1,
    )


def _standing(now: Progress, event: Event) -> Progress:
    volumes = (*now.volumes, event["hypervolume"])[-RECENT - 1 :]
    return replace(now, counts=event["counts"], front=len(event["front"]), volumes=volumes)


def _warned(now: Progress, event: Event) -> Progress:
    return replace(now, warning=event["message"])


def _stopping(now: Progress, event: Event) -> Progress:
    return replace(now, phase="stopping", why=event["reason"])


def _done(now: Progress, event: Event) -> Progress:
    return replace(now, phase="done", counts=event["counts"], front=len(event["front"]), running={})


def _interrupted(now: Progress, event: Event) -> Progress:
    return replace(now, phase="interrupted", why=event["reason"], counts=event["counts"], running={})


_STEPS = {
    "started": _started,
    "resumed": _resumed,
    "asked": _asked,
    "finished": _finished,
    "front": _standing,
    "warning": _warned,
    "stopping": _stopping,
    "done": _done,
    "interrupted": _interrupted,
}
