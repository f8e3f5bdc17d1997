"""Rehearses a trial: its own story with every training begun and none finished, and what all of it would take.

Nothing is written where a trial would find it: what trials share is rehearsed where it is not there, and loaded where
it is. What is no training (scores over the training images, say) is run as it is, on a part of the images.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, final

from frontier import registry
from frontier.errors import TrialFailed
from frontier.frozen import digest
from frontier.results.spec import TrialSpec
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.training.finetune import STAGE as FINETUNE
from frontier.training.rehearsal import Rehearsal, Span
from frontier.training.relu_layers import STAGE as RELU_LAYERS
from frontier.training.relu_layers import limited
from frontier.training.task import Candidate, Linearized, Tensors
from frontier.trial.appraise import Sizes, clean_s, measure_s, sizes_of
from frontier.trial.check import knobs_of, relu_layers_of
from frontier.trial.source import Source
from frontier.trial.teacher import School, is_trained, key_of, task_of

IMAGES = 512  # training images that a rehearsal shows, at least
BATCHES = 4  # and so many full batches, at least
TEACHER: Final = "teacher"


@dataclass(frozen=True)
class Rehearsed:
    """What a trial would take. `stages`: seconds by stage of its story. `shared`: of what is trained once for all
    trials and not there yet, by a name that is equal for equal ones. `points`: how many it has."""

    stages: dict[str, Span]
    shared: dict[str, Span]
    points: int
    sizes: Sizes
    may_end: bool = False  # the search may end early, and `low` is that of one epoch
    notes: tuple[str, ...] = ()


def rehearse(spec: TrialSpec, source: Source, home: Path, context_of: Callable[[Path], Context]) -> Rehearsed:
    """Rehearse the trial of a spec that was checked. `home` is only read; `context_of(folder)` makes a context with its
    checkpoints there."""
    with TemporaryDirectory(prefix="frontier-rehearsal-") as folder:
        return _rehearse(spec, source, home, context_of(Path(folder)), Path(folder))


def _rehearse(spec: TrialSpec, source: Source, home: Path, context: Context, folder: Path) -> Rehearsed:
    images = len(source.images("train", spec.data.train_images))
    shown = min(images, max(IMAGES, BATCHES * _largest_batch(spec)))
    rehearsal = Rehearsal(images)
    context = replace(context, rehearsal=rehearsal)
    train = Images.of(source.images("train", shown), context.device)
    school = School(spec, source.dataset(), train, home, context)
    shared = _Shared(school, images)
    stages: dict[str, Span] = {}
    notes: tuple[str, ...] = ()

    begun = shared.now()
    teacher = school.teacher() if is_trained(spec, home) else shared.teacher()
    stages[TEACHER] = _exactly(shared.now() - begun)
    stages["measure_teacher"] = clean_s(teacher, source, spec.measure, context)

    validation = Images.of(source.images("validation", spec.measure.validation_images), context.device)
    task = replace(task_of(school, teacher, validation), cached=shared.obtain)
    if (layers := relu_layers_of(spec)) is not None:
        begun = shared.now()
        task, _ = limited(task, layers)
        stages[RELU_LAYERS] = _exactly(shared.now() - begun)

    method, knobs = registry.load("method", spec.method), knobs_of(spec)
    begun = shared.now()
    try:
        linearized: Linearized = method.linearize(task, knobs)
    except TrialFailed as failure:
        notes = (f"{spec.method}: the rehearsal stopped at '{failure}'; what comes after that is not in the estimate",)
        linearized = Linearized((Candidate(teacher, spec.relu_budget),))
    rest = shared.now() - begun - rehearsal.wall_s
    early = spec.passes is None and hasattr(method, "ends_early") and bool(method.ends_early(knobs))
    own = Span(rest, rest * images / shown)
    for training in rehearsal.trainings:
        own = own.plus(training.seconds(may_end=early and not training.stage.startswith(FINETUNE)))

    candidates = linearized.candidates
    try:
        each = measure_s(candidates[0].model, source, spec.measure, context)
    except TrialFailed:  # a few steps at a high rate may end at NaN
        each = measure_s(teacher, source, spec.measure, context)
    networks = sum(1 + len(one.others) for one in candidates)
    stages["linearize"] = own
    stages["measure"] = Span(networks * each.low, networks * each.high)
    return Rehearsed(stages, shared.missing, len(candidates), sizes_of(spec, linearized, source, folder), early, notes)


@final
@dataclass
class _Shared:
    """What the trials of a space share: loaded where it is there, rehearsed where it is missing."""

    school: School
    images: int
    missing: dict[str, Span] = field(default_factory=dict)
    wall_s: float = 0.0  # that rehearsing took

    def now(self) -> float:
        """Seconds of a clock that stands still while what is shared is rehearsed."""
        return time.perf_counter() - self.wall_s

    def obtain(self, name: str, key: Mapping[str, Any], train: Callable[[Context], Mapping[str, Any]]) -> Tensors:
        """See `frontier.training.task.Cached`."""
        if self.school.is_cached(name, key):
            return self.school.cached(name, key, train)
        return self._rehearsed(f"{name}-{digest([key_of(self.school.spec), dict(key)])}", train)

    def teacher(self) -> Any:
        """One that was trained for a few steps, in eval mode."""
        model = self.school.fresh(self.school.spec.teacher.seed)
        model.load_state_dict(self._rehearsed(f"{TEACHER}-{key_of(self.school.spec)}", self.school.train_teacher))
        return model.eval()

    def _rehearsed(self, name: str, train: Callable[[Context], Mapping[str, Any]]) -> Tensors:
        rehearsal = Rehearsal(self.images)
        started = time.perf_counter()
        found = train(replace(self.school.context, rehearsal=rehearsal, passes={}, shared={}))
        took = time.perf_counter() - started
        self.wall_s += took
        rest = took - rehearsal.wall_s
        seconds = Span(rest, rest * self.images / len(self.school.train))
        for training in rehearsal.trainings:
            seconds = seconds.plus(training.seconds())
        self.missing[name] = seconds
        return dict(found)


def _exactly(seconds: float) -> Span:
    return Span(seconds, seconds)


def _largest_batch(spec: TrialSpec) -> int:
    """Of the recipes and of the knobs that are batches."""
    knobs = [value for name, value in spec.knobs.items() if name.endswith("batch") and isinstance(value, int)]
    return max(spec.finetune.batch, spec.teacher.recipe.batch, *knobs)
