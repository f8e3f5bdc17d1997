"""Launching a search: check everything first, then drive trials until the study's total is reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from frontier import registry, shelves
from frontier.api.lookups import load_space
from frontier.api.study import DEFAULT_HOME, StudyView
from frontier.driver import events
from frontier.driver.drive import drive
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import InputError, nearest
from frontier.results.record import TrialRecord
from frontier.results.store import Study, StudyManifest
from frontier.spaces.space import Space
from frontier.trial.origin import code_version
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source

Keep = Literal["front", "all", "none"]
OnEvent = Callable[[events.Event], None]


def search(
    space: str | Path,
    *,
    name: str | None = None,
    home: Path | str = DEFAULT_HOME,
    trials: int | None = None,
    seed: int | None = None,
    sampler: str | None = None,
    backend: str = "ray",
    resume: bool = False,
    concurrency: int | None = None,
    keep: Keep = "front",
    data: Path | None = None,
    download: bool = False,
    device: str = "auto",
    address: str | None = None,
    recorded: Sequence[TrialRecord] = (),
    on_event: OnEvent | None = None,
) -> StudyView:
    """Search `space` (a name, or a path to a YAML file) and return the study.

    `trials` is the study's total, also with `resume`. `keep` says whose weights stay: those of the front, all or
    none; masks and records always stay. `recorded` is what the replay backend answers from. Where an option is
    None the space decides. Raises InputError or BlockedError before anything is written or run, Interrupted when a
    person stopped it, TooManyFailures when trials keep failing; what has finished is kept in every case.
    """
    question = load_space(str(space))
    settings = question.search
    total = settings.trials if trials is None else trials
    if total < 1:
        raise InputError("no trials", where="--trials", expected="at least 1", got=total)
    if keep not in ("front", "all", "none"):
        raise InputError("unknown choice", where="--keep", expected="front, all or none", got=keep)
    if backend not in registry.names("backend"):
        raise InputError(f"unknown backend '{backend}'. {nearest(backend, registry.names('backend'))}")
    folder = Path(home)
    runtime = Runtime(
        home=folder.resolve(),
        data=data.resolve() if data is not None else None,
        download=download,
        device=device,
        threads=max(1, int(question.resources.cpu)),
        keep_weights=keep != "none",
    )
    runtime.torch_device()
    Source(question.data.name, runtime.data_folder(), download).dataset()
    workers = _concurrency(question, concurrency)
    name = name or question.name
    files = (
        _reopened(folder, name, seed, sampler)
        if resume
        else Study.create(folder, _manifest(question, name, seed, sampler), _text(space))
    )
    view = StudyView(folder, name)
    work = Work(
        runtime=runtime,
        concurrency=workers,
        cpu=question.resources.cpu,
        gpu=question.resources.gpu,
        address=address,
        recorded=recorded,
    )

    def heard(event: events.Event) -> None:
        if on_event is not None:
            on_event(event)
        if keep == "front" and event.event == "finished":
            view.free_weights()

    with Search(files, question, trials=total, on_event=heard) as running:
        drive(running, backend, work)
    return view


def concurrency_of(question: Space) -> int:
    """Trials at once on this machine: what the space says, or as many as its cores carry."""
    if question.search.concurrency != "auto":
        return question.search.concurrency
    return max(1, int(len(os.sched_getaffinity(0)) / question.resources.cpu))


def _concurrency(question: Space, asked: int | None) -> int:
    if asked is not None and asked < 1:
        raise InputError("no worker", where="--concurrency", expected="at least 1", got=asked)
    return asked if asked is not None else concurrency_of(question)


def _manifest(question: Space, name: str, seed: int | None, sampler: str | None) -> StudyManifest:
    chosen = sampler or question.search.sampler
    registry.load("sampler", chosen)
    return StudyManifest(
        name=name,
        space=question.model_dump(mode="json"),
        space_hash=question.space_hash,
        seed=question.search.seed if seed is None else seed,
        sampler=chosen,
        relus=question.relus,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=code_version(),
    )


def _reopened(home: Path, name: str, seed: int | None, sampler: str | None) -> Study:
    """An existing study whose seed and sampler are what was asked for, if anything was."""
    files = Study.open(home, name)
    manifest = files.manifest()
    for option, asked, made_with in (("--seed", seed, manifest.seed), ("--sampler", sampler, manifest.sampler)):
        if asked is not None and asked != made_with:
            raise InputError(
                f"the study '{name}' was made with another value",
                where=option,
                expected=str(made_with),
                got=asked,
                fix=f"resume without {option}, or start another study with --name",
            )
    return files


def _text(space: str | Path) -> str:
    return shelves.find("search_spaces", str(space)).read_text(encoding="utf-8")
