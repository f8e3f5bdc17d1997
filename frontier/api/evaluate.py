"""Evaluating the points of a study on the test split: what they withstand, and whether the measurement is sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from frontier import registry
from frontier.api.relative import CONSTANTS, OFFICIAL, TEACHER, Relative, images_of, names_of, refuse_group
from frontier.api.study import StudyView
from frontier.errors import InputError, Interrupted, TrialFailed, nearest
from frontier.files import writable
from frontier.mirror import home_at
from frontier.results.evaluation import Evaluation, Kind
from frontier.shelves import DEFAULT_HOME
from frontier.trial.battery import FULL, Battery, Effort, Step, Tell
from frontier.trial.evaluate import SPLIT, Corruptions, Settings, attacked, corrupted
from frontier.trial.health import FEW_IMAGES
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source
from frontier.trial.subject import Subject, add, standing

NONE = "none"
MANY = 200  # images of which the few that checks allow for are a small share


@dataclass(frozen=True)
class Progress:
    """`done` of `of` evaluations are over; that of the point `address` stands at `step`."""

    address: str
    done: int
    of: int
    step: Step


@dataclass(frozen=True)
class Evaluated:
    """An evaluation of a point; `fresh` unless it stood in the record already."""

    address: str
    evaluation: Evaluation
    fresh: bool


@dataclass(frozen=True)
class Findings:
    """The evaluations that were asked for, and what a reader must know of them."""

    evaluated: tuple[Evaluated, ...]
    notes: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """What `frontier evaluate --json` prints."""
        points = [
            {
                "address": found.address,
                "fresh": found.fresh,
                "failed": list(found.evaluation.failed),
                "evaluation": found.evaluation.model_dump(mode="json"),
            }
            for found in self.evaluated
        ]
        return {"points": points, "notes": list(self.notes)}


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class _Work:
    """One evaluation to be made, unless the record has it."""

    subject: Subject
    kind: Kind
    name: str
    n: int
    settings: Settings
    make: Callable[[Tell], Evaluation]

    def done_before(self) -> Evaluation | None:
        """The very same one, if it is what counts in the record now."""
        asked = (self.kind, self.name, SPLIT, self.n, self.settings)
        there = standing(self.subject)
        return next((f for f in there if (f.kind, f.name, f.split, f.n, f.settings) == asked), None)


def evaluate(
    study: str,
    *,
    home: Path | str = DEFAULT_HOME,
    attack: str = "autoattack",
    n: int = 1000,
    eps: Sequence[float] = (),
    trials: Sequence[int | str] = (),
    corruptions: str = NONE,
    reference: str = TEACHER,
    again: bool = False,
    data: Path | str | None = None,
    download: bool = False,
    device: str = "auto",
    threads: int = 1,
    effort: Effort = FULL,
    on_progress: OnProgress | None = None,
) -> Findings:
    """Attack the points of a study's front (or `trials`: `7`, `7.1`) on `n` test images, and add what is found to
    their records, which change in nothing else.

    `attack`: the strongest of a battery, of the axis, or `none`; `eps` in units of 1/255 (default: the study's own).
    `corruptions`: the `common`, `held_out` or `official` ones at all severities, with the mCE relative to `reference`
    (`teacher`, a point of the study, `alexnet`). What a point has already is left, unless `again`. Raises InputError
    or BlockedError before anything is run; Interrupted by a person: what was finished is kept.
    """
    folder = home_at(home)
    view = StudyView(folder, study)
    _refuse(attack, n, eps, corruptions, threads)
    subjects = view.subjects(trials)
    runtime = Runtime(home=folder, data=Path(data) if data is not None else None, download=download, device=device)
    on = runtime.torch_device()
    spec = subjects[0].record.spec
    source = Source.of(spec.data, runtime.data_folder(), download, home=runtime.home)
    size = len(source.dataset().test)
    notes = [f"the test split has {size} images: all of them are used, not {n}"] if n > size else []
    n = min(n, size)
    if attack != NONE and n < MANY:
        notes.append(f"{n} images: a check that allows for {FEW_IMAGES} of them can hardly fail; take {MANY} or more")
    relative = _relative(view, reference, source, runtime, on, n)
    if corruptions != NONE:
        names = names_of(corruptions)
        source.ready(spec.measure.model_copy(update={"official": corruptions == OFFICIAL, "corruptions": names}))
        relative.refuse(subjects, names)
    for subject in subjects:
        subject.weights()
        writable(subject.folder, "--home")
    torch.set_num_threads(threads)

    works: list[_Work] = []
    tell = on_progress or (lambda progress: None)
    try:
        if corruptions != NONE:
            images = images_of(corruptions, source, lambda step: tell(Progress("", 0, 0, step)))
        for subject in subjects:
            if attack != NONE:
                battery = Battery(attack, _strengths(eps, subject), effort)
                make = partial(attacked, subject, source, battery, n, on)
                works.append(_Work(subject, "attack", attack, n, battery.settings(), make))
            if corruptions != NONE:
                settings = images.settings(relative.settings(subject))
                make = partial(_corrupted, subject, source, images, n, on, relative=relative, settings=settings)
                works.append(_Work(subject, "corruptions", images.label, n, settings, make))
        return _run(works, notes, again=again, tell=tell)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: evaluations that were finished are kept, and are not made again") from None


def _run(works: Sequence[_Work], notes: list[str], *, again: bool, tell: OnProgress) -> Findings:
    """One after the other, each written to its record before the next begins."""
    found = []
    for done, work in enumerate(works):
        address = work.subject.address
        there = None if again else work.done_before()
        if there is not None:
            notes.append(f"{address}: {there.kind} ({there.name}) is in its record already; --again makes it anew")
            found.append(Evaluated(address, there, fresh=False))
            continue
        try:
            made = work.make(partial(_tell, tell, address, done, len(works)))
        except TrialFailed as failure:
            notes.append(f"{address}: {work.kind} ({work.name}) came to nothing: {failure}")
            continue
        add(work.subject, made)
        found.append(Evaluated(address, made, fresh=True))
        if made.kind == "corruptions" and not made.metrics:
            notes.append(f"{address}: no mCE, because the reference makes no error under some corruption")
    return Findings(tuple(found), tuple(dict.fromkeys(notes)))


def _tell(tell: OnProgress, address: str, done: int, of: int, step: Step) -> None:
    tell(Progress(address, done, of, step))


def _corrupted(
    subject: Subject,
    source: Source,
    images: Corruptions,
    n: int,
    device: torch.device,
    tell: Tell,
    *,
    relative: Relative,
    settings: Settings,
) -> Evaluation:
    reference = relative.of(subject, images, lambda step: tell(replace(step, stage=f"{relative.name}: {step.stage}")))
    return corrupted(subject, source, images, n, device, tell, reference=reference, settings=settings)


def _relative(view: StudyView, word: str, source: Source, runtime: Runtime, device: torch.device, n: int) -> Relative:
    """What the mCE is relative to. Raises InputError for what is no reference."""
    if word in (TEACHER, CONSTANTS):
        return Relative(source, runtime, device, n, constants=word == CONSTANTS)
    if not word.replace(".", "", 1).isdecimal():
        what = f"unknown reference '{word}'. {nearest(word, (TEACHER, CONSTANTS))}"
        raise InputError(what, where="--reference", expected="one of these, or N[.K], a point of the study")
    return Relative(source, runtime, device, n, point=view.subjects([word])[0])


def _strengths(eps: Sequence[float], subject: Subject) -> tuple[float, ...]:
    """In units of 1/255, rising, each once: those that were asked for, or those of the study."""
    return tuple(sorted({float(one) for one in eps or subject.record.spec.measure.attack_eps_255}))


def _refuse(attack: str, n: int, eps: Sequence[float], corruptions: str, threads: int) -> None:
    """Raises InputError or BlockedError for what cannot be done with any study."""
    if attack == corruptions == NONE:
        raise InputError("nothing to evaluate", where="--attack", expected="an attack, or --corruptions common")
    if attack != NONE:
        _try(attack)
    if corruptions != NONE:
        refuse_group(corruptions)
    if n < 1:
        raise InputError("no images", where="--n", expected="at least 1", got=n)
    if threads < 1:
        raise InputError("no threads", where="--threads", expected="at least 1", got=threads)
    for one in eps:
        if not (math.isfinite(one) and 0 < one <= 255):
            raise InputError("not an attack strength", where="--eps", expected="above 0, at most 255 (/255)", got=one)


def _try(attack: str) -> None:
    """Run it once on a picture of four pixels: what is unknown, broken or not installed shows before the work."""
    module = registry.load("attack", attack)
    module.run(
        nn.Flatten().eval(), torch.zeros(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64), eps=0.0, steps=1, seed=0
    )
