"""What the search's tests run in place of real trials: a small space and records in a millisecond."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path

from frontier.errors import BlockedError
from frontier.frozen import digest
from frontier.results.measure import Measure
from frontier.results.profile import Profile
from frontier.results.record import MaskFile, Origin, Point, ReluCount, Scores, TrialRecord
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Recipe, TeacherSpec, TrialSpec
from frontier.results.store import Study, StudyManifest, write_record
from frontier.spaces.domain import ChoiceDomain, CountDomain, FloatDomain, IntDomain, LogDomain
from frontier.spaces.space import Space

RELUS = 1000


@dataclass(frozen=True)
class FakeRuntime:
    home: Path
    data: Path | None = None
    threads: int = 1
    deadline_s: float | None = None


def space(anchors: tuple[int, ...] = (0, RELUS)) -> Space:
    """Two methods; a logarithmic budget from 0 on; every kind of domain."""
    recipe = Recipe(epochs=1, lr=0.1)
    return Space(
        name="fake",
        question="none",
        data=DataSpec(name="digits"),
        network=NetworkSpec(name="tinynet"),
        relus=RELUS,
        teacher=TeacherSpec(recipe=recipe),
        relu_budget=CountDomain(low=0, high=RELUS),
        anchors=anchors,
        methods={
            "snl": {"penalty": LogDomain(low=1e-6, high=1e-2), "epochs": IntDomain(low=1, high=9), "batch": 128},
            "random": {"share": FloatDomain(low=0.0, high=1.0), "rule": ChoiceDomain(options=("a", "b", "c"))},
        },
        finetune=recipe.model_dump() | {"lr": LogDomain(low=1e-3, high=1.0)},
        measure=MeasureSpec(corruptions=("gaussian_noise",)),
    )


def study(home: Path, question: Space | None = None, *, sampler: str = "random", seed: int = 0) -> Study:
    """A new study of the fake space."""
    question = question or space()
    manifest = StudyManifest(
        name="fake",
        space=question.model_dump(mode="json"),
        space_hash=question.space_hash,
        seed=seed,
        sampler=sampler,
        relus=RELUS,
        created_at="2026-01-01T00:00:00+00:00",
        code_version="0",
    )
    return Study.create(home, manifest, "name: fake\n")


def point(spec: TrialSpec, *, relu_budget: int | None = None, role: str = "asked") -> Point:
    """Accuracy that grows with the budget, a little different for every specification."""
    budget = spec.relu_budget if relu_budget is None else relu_budget
    luck = int(digest(spec, 4), 16) / 0xFFFF / 20
    clean = 0.3 + 0.6 * (budget / RELUS) ** 0.3 + luck
    scores = Scores(
        clean=Measure.of(clean, 500), corrupted=Measure.of(0.8 * clean, 500), adversarial=Measure.of(0.4 * clean, 500)
    )
    return Point.model_validate(
        {
            "role": role,
            "relu_budget": budget,
            "relu_count": budget,
            "counts": ReluCount(full=budget, inner=budget),
            "validation": scores,
            "test": scores,
            "profile": Profile(sites=(), linear=()),
            "mask": MaskFile(file="mask.safetensors", hash="0"),
        }
    )


def complete(trial: int, spec: TrialSpec, *extra_budgets: int) -> TrialRecord:
    points = (point(spec), *(point(spec, relu_budget=budget, role="extra") for budget in extra_budgets))
    return TrialRecord(trial=trial, state="complete", spec=spec, points=points, origin=origin())


def unsuccessful(trial: int, spec: TrialSpec, state: str) -> TrialRecord:
    return TrialRecord.model_validate(
        {"trial": trial, "state": state, "reason": "as the test wants it", "spec": spec, "origin": origin()}
    )


def origin() -> Origin:
    return Origin(code_version="0", device="cpu", threads=1, host=str(os.getpid()))


def fast(spec: TrialSpec, folder: Path, runtime: object, *, trial: int | None = None) -> TrialRecord:
    """A complete trial."""
    assert trial is not None
    record = complete(trial, spec)
    write_record(folder, record)
    return record


def slow(spec: TrialSpec, folder: Path, runtime: object, *, trial: int | None = None) -> TrialRecord:
    """A complete trial that takes 5 to 300 ms and says in `runs.txt` that it began."""
    with open(folder / "runs.txt", "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.005 + 0.295 * int(digest(spec, 4), 16) / 0xFFFF)
    return fast(spec, folder, runtime, trial=trial)


def crashing(spec: TrialSpec, folder: Path, runtime: object, *, trial: int | None = None) -> TrialRecord:
    """Every third trial raises."""
    assert trial is not None
    if trial % 3 == 1:
        raise ZeroDivisionError("a defect of the method")
    return fast(spec, folder, runtime, trial=trial)


def dying(spec: TrialSpec, folder: Path, runtime: object, *, trial: int | None = None) -> TrialRecord:
    """Trial 1 takes its process with it every time, trial 2 the first time only."""
    with open(folder / "runs.txt", "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    runs = len((folder / "runs.txt").read_text(encoding="utf-8").split())
    if trial == 1 or (trial == 2 and runs == 1):
        os._exit(7)
    return fast(spec, folder, runtime, trial=trial)


def stuck(spec: TrialSpec, folder: Path, runtime: object, *, trial: int | None = None) -> TrialRecord:
    """Every trial but the first stands still the first time that it is run, and never looks at a clock."""
    with open(folder / "runs.txt", "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    if trial and len((folder / "runs.txt").read_text(encoding="utf-8").split()) == 1:
        time.sleep(600)
    return fast(spec, folder, runtime, trial=trial)


def refusing(spec: TrialSpec, folder: Path, runtime: object, *, trial: int | None = None) -> TrialRecord:
    """Trial 2 finds that its data are missing."""
    if trial == 2:
        raise BlockedError("the data are gone")
    return fast(spec, folder, runtime, trial=trial)


def hopeless(spec: TrialSpec, folder: Path, runtime: object, *, trial: int | None = None) -> TrialRecord:
    """Every trial raises."""
    raise ZeroDivisionError("a defect of the method")


def roomless(spec: TrialSpec, folder: Path, runtime: FakeRuntime, *, trial: int | None = None) -> TrialRecord:
    """Trial 1 finds the disk full, until there is a file `room` in its home."""
    if trial == 1 and not (runtime.home / "room").exists():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "file"))
    return fast(spec, folder, runtime, trial=trial)
