"""Progress: a study's events reduced to one frozen value, whatever was running when they were written.

Who reads the logs of several drivers puts `driver` into an event, the name of the one that wrote it. `present` is no
driver's event: one who looks on from outside says by it which drivers live.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from frontier.results.record import address

Event = Mapping[str, Any]
RECENT = 20  # finished trials over which the gain in hypervolume is told
LAST = 6  # results that are kept for the panel
ENDED = ("complete", "pruned", "failed", "unreadable")
AT_WORK = ("running", "stopping")  # phases


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
class Running:
    """A trial that is handed out: `method @ budget`, and by whom."""

    text: str
    driver: str


@dataclass(frozen=True)
class Stage:
    """What one driver does, and why: a phase as in Progress."""

    phase: str
    why: str = ""


@dataclass(frozen=True)
class Best:
    """The point of the highest clean accuracy so far, by its address."""

    clean: float
    relu_count: int
    address: str


@dataclass(frozen=True)
class Progress:
    """Where a study stands after some events.

    `phase` is waiting, running, stopping, done, interrupted, or gone: the drivers have died without a last word.
    """

    study: str = ""
    sampler: str = ""
    seed: int = 0
    relus: int = 0
    trials: int = 0
    phase: str = "waiting"
    why: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    running: Mapping[int, Running] = field(default_factory=dict)  # by trial
    drivers: Mapping[str, Stage] = field(default_factory=dict)  # those at work, and the one that spoke last of its end
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
        """Seconds that are left at this driver's pace so far; None before its second finished trial, and
        without a driver."""
        if self.ended_here < 2 or self.trials <= self.ended or self.phase == "gone":
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
    """Nothing is in the study yet."""
    return replace(
        _begun(now, event),
        sampler=event["sampler"],
        seed=event["seed"],
        relus=event["relus"],
        counts={},
        running={},
        volumes=(0.0,),
        best=None,
        last=(),
    )


def _resumed(now: Progress, event: Event) -> Progress:
    standing = {"counts": event["counts"], "front": len(event["front"]), "volumes": (event["hypervolume"],)}
    return replace(_begun(now, event), **standing)


def _begun(now: Progress, event: Event) -> Progress:
    began_s = datetime.fromisoformat(event["ts"]).timestamp()
    names = {"study": event["study"], "trials": event["trials"]}
    here = _staged(replace(now, **names, began_s=began_s, ended_here=0), _driver(event), "running")
    return replace(here, running=_without(now.running, {_driver(event)}))


def _driver(event: Event) -> str:
    return str(event.get("driver", ""))


def _without(running: Mapping[int, Running], drivers: Set[str]) -> dict[int, Running]:
    """What is run by others."""
    return {trial: one for trial, one in running.items() if one.driver not in drivers}


def _staged(now: Progress, driver: str, phase: str, why: str = "") -> Progress:
    """One driver says what it does; the study does what the busiest of them does."""
    others = {name: one for name, one in now.drivers.items() if name != driver and one.phase in AT_WORK}
    drivers = {**others, driver: Stage(phase, why)}
    busiest = next((one for at in AT_WORK for one in drivers.values() if one.phase == at), drivers[driver])
    return replace(now, drivers=drivers, phase=busiest.phase, why=busiest.why)


def _asked(now: Progress, event: Event) -> Progress:
    text = f"{event['method']} @ {event['relu_budget']:,}"
    return replace(now, running={**now.running, event["trial"]: Running(text, _driver(event))})


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
        running={trial: one for trial, one in now.running.items() if trial != result.trial},
        counts={**now.counts, result.state: now.counts.get(result.state, 0) + own},
        last=(*now.last, result)[-LAST:],
        best=best,
        ended_here=now.ended_here + 1,
    )


def _standing(now: Progress, event: Event) -> Progress:
    """Drivers that share a study hear of each other late: what only grows is then the most that one of them knows."""
    counts, volume = event["counts"], event["hypervolume"]
    if len(now.drivers) > 1:
        counts = {**counts, **{state: max(counts.get(state, 0), now.counts.get(state, 0)) for state in ENDED}}
        volume = max(volume, now.hypervolume)
    volumes = (*now.volumes, volume)[-RECENT - 1 :]
    return replace(now, counts=counts, front=len(event["front"]), volumes=volumes)


def _warned(now: Progress, event: Event) -> Progress:
    return replace(now, warning=event["message"])


def _stopping(now: Progress, event: Event) -> Progress:
    return _aside(_staged(now, _driver(event), "stopping", event["reason"]), event, "stopping")


def _done(now: Progress, event: Event) -> Progress:
    done = replace(now, counts=event["counts"], front=len(event["front"]), running={}, drivers={})
    return _staged(done, _driver(event), "done")


def _interrupted(now: Progress, event: Event) -> Progress:
    driver, why = _driver(event), event["reason"]
    ended = replace(now, counts=event["counts"], running=_without(now.running, {driver}))
    return _aside(_staged(ended, driver, "interrupted", why), event, "interrupted")


def _aside(now: Progress, event: Event, phase: str) -> Progress:
    """What one driver does while others work on is told as a warning."""
    if now.phase == phase:
        return now
    return replace(now, warning=f"{phase} ({event['reason']}) while others work on: driver {_driver(event)}")


def _present(now: Progress, event: Event) -> Progress:
    """Those at work that live no longer have died. `died` left a file that nobody who took over has removed."""
    dead = {name for name, one in now.drivers.items() if one.phase in AT_WORK} - set(event["drivers"])
    if not dead:
        return now
    drivers = {name: one for name, one in now.drivers.items() if name not in dead}
    working = [one for one in drivers.values() if one.phase in AT_WORK]
    if not working and (not drivers or dead & set(event["died"])):
        drivers = {"": Stage("gone", event["why"])}
    stage = next(iter(working or drivers.values()))
    running = _without(now.running, dead)
    return replace(now, drivers=drivers, running=running, phase=stage.phase, why=stage.why)


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
    "present": _present,
}
