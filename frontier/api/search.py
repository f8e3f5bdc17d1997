"""Launching a search: check everything first, then drive trials until the study's total is reached."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import final, get_args

from frontier import registry, shelves
from frontier.api.guesses import guesses_of
from frontier.api.lookups import load_space
from frontier.api.study import StudyView
from frontier.api.warm_start import points_elsewhere
from frontier.disk import refusing_full
from frontier.driver import events
from frontier.driver.drive import drive
from frontier.driver.file_systems import refuse_sqlite_on
from frontier.driver.stopping import Limits
from frontier.driver.storage import Storage
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import BlockedError, InputError
from frontier.mirror import home_at
from frontier.objects import Unreachable, url_of
from frontier.results.record import TrialRecord
from frontier.results.store import Keep, Study, StudyManifest
from frontier.shelves import DEFAULT_HOME, TRAJECTORIES_GB
from frontier.spaces.space import Resources, Space, is_share
from frontier.trial.origin import code_version
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source

OnEvent = Callable[[events.Event], None]


@refusing_full()
def search(
    space: str | Path,
    *,
    name: str | None = None,
    home: Path | str = DEFAULT_HOME,
    trials: int | None = None,
    seed: int | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    backend: str = "ray",
    resume: bool = False,
    concurrency: int | None = None,
    keep: Keep | None = None,
    data: Path | str | None = None,
    download: bool = False,
    device: str = "auto",
    address: str | None = None,
    storage: str | None = None,
    trajectories_gb: float = TRAJECTORIES_GB,
    trial_deadline_min: float | None = None,
    deadline_h: float | None = None,
    grace_s: float | None = None,
    cpu: float | None = None,
    gpu: float | None = None,
    gpu_gib: float | None = None,
    recorded: Sequence[TrialRecord] = (),
    enqueue: Sequence[str | Path] = (),
    warm_start: Sequence[str] = (),
    replicate: int | None = None,
    on_event: OnEvent | None = None,
) -> StudyView:
    """Search `space` (a name, or a path to a YAML file) and return the study.

    `trials` is the study's total, also with `resume` (None: the space's, or the last total of a resumed study).
    `keep` says whose weights stay: those of the front (the default), all or none; masks and records always stay.
    `storage` is the URL of a PostgreSQL database for the sampler's memory: then several drivers may work on the study
    at once, each started by a call of its own, and `trials` counts the trials of all. `resume` is given it again.
    `trajectories_gb`: disk for the mask searches that trials share (`search_seed`); with 0 none is shared.
    `address` joins a running Ray cluster; `cpu` and `gpu` (a share) or `gpu_gib` (of a GPU's memory: as many trials on
    each as the smallest GPU holds) are what a trial is given in place of the space's resources.
    `enqueue`: files of guesses, addresses of points or `published` (`api.guesses`), asked first. `warm_start`: studies
    whose points the sampler learns from (`api.warm_start`). `replicate`: once the total is reached, every trial of the
    front is run again with so many other seeds.
    A trial that runs for longer than `trial_deadline_min` (None: what the space says) is FAILED. After `deadline_h` of
    this call nothing more is handed out, and `grace_s` (None: 30) later running trials are stopped, to go on with
    `resume`; SIGTERM does the same at once. `recorded` is what the replay backend answers from.
    Raises InputError or BlockedError before anything is written or run (where a cluster turns out to have several hosts
    and there is no `storage`, before anything is run), BlockedError too when the disk is full,
    Interrupted when it was stopped, TooManyFailures when trials keep failing; what has finished is kept in every case.
    """
    question = load_space(str(space))
    name = name or question.name
    if storage is None:
        refuse_sqlite_on(home)
    folder = home_at(home)
    minutes = question.resources.deadline_min if trial_deadline_min is None else trial_deadline_min
    given = _given(question, cpu, gpu, gpu_gib)
    runtime = Runtime(
        home=folder.resolve(),
        data=Path(data).resolve() if data is not None else None,
        download=download,
        device=device,
        threads=max(1, int(given.cpu)),
        deadline_s=None if minutes is None else 60 * minutes,
        plugins=registry.folders(),
        trajectories_bytes=_bytes(trajectories_gb),
    )
    work = Work(
        runtime=runtime,
        concurrency=_concurrency(question, given, concurrency, address),
        cpu=given.cpu,
        gpu=given.gpu,
        gpu_gib=given.gpu_gib,
        address=address,
        shared=storage is not None,
        url=url_of(home),
        recorded=recorded,
    )
    _refuse(trials, seed, keep)
    limits = _limits(trial_deadline_min, deadline_h, grace_s)
    memory = storage_of(storage, home)
    if replicate is not None and replicate < 1:
        raise InputError("no other seed", where="--replicate", expected="at least 1", got=replicate)
    (guesses, notes), warm = guesses_of(enqueue, question, folder), points_elsewhere(warm_start, question, folder)
    _backend(backend).check(work)
    _device(runtime, address)
    Source.of(question.data, runtime.data_folder(), download).ready(question.measure)
    if resume:
        files = _reopened(folder, name, {"seed": seed, "sampler": sampler, "pruner": pruner, "keep": keep})
        total = trials or _last_total(files) or question.search.trials
    else:
        manifest = _manifest(question, name, seed, sampler, pruner, keep or "front")
        files = Study.create(folder, manifest, _text(space))
        total = trials or question.search.trials
    view = StudyView(folder, name)
    made = files.manifest()
    kept = made.keep
    work = replace(work, runtime=replace(runtime, keep_weights=kept != "none", pruner=made.pruner))
    tell = _Listener(view, frees=kept == "front", on_event=on_event)
    began = time.monotonic()
    with Search(
        files, question, trials=total, on_event=tell, storage=memory, guesses=guesses, notes=notes, warm=warm
    ) as running:
        drive(running, backend, work, limits)
    if replicate is not None:  # the front is final now
        with Search(files, question, trials=total, on_event=tell, storage=memory, replicate=replicate) as running:
            drive(running, backend, work, replace(limits, spent_s=time.monotonic() - began))
    return view


@final
class _Listener:
    """Passes events on and frees the weights of trials that are not, or no longer, on the front."""

    def __init__(self, view: StudyView, *, frees: bool, on_event: OnEvent | None) -> None:
        self._view, self._frees, self._on_event = view, frees, on_event
        self._front: frozenset[str] = frozenset()
        self._finished: int | None = None

    def __call__(self, event: events.Event) -> None:
        if self._on_event is not None:
            self._on_event(event)
        if event.event == "resumed":
            self._front = frozenset(event.front)
        if event.event == "finished":
            self._finished = event.trial
        if event.event == "front" and self._frees and self._finished is not None:
            left = {int(point.partition(".")[0]) for point in self._front.difference(event.front)}
            self._front = frozenset(event.front)
            with contextlib.suppress(Unreachable):  # then they stay until `frontier gc`
                self._view.free_weights_of({self._finished} | left, self._front)


def storage_shown(url: str) -> str:
    """The URL without its password. Raises InputError for one that is none of PostgreSQL."""
    return str(Storage.of(url))


def storage_of(url: str | None, home: Path | str) -> Storage | None:
    """The PostgreSQL database at `url`, which answers; None for SQLite, which is safe in `home`.

    Raises InputError or BlockedError otherwise.
    """
    if url is None:
        refuse_sqlite_on(home)
        return None
    storage = Storage.of(url)
    storage.check()
    return storage


def _refuse(trials: int | None, seed: int | None, keep: str | None) -> None:
    if trials is not None and trials < 1:
        raise InputError("no trials", where="--trials", expected="at least 1", got=trials)
    if seed is not None and seed < 0:
        raise InputError("not a seed", where="--seed", expected="at least 0", got=seed)
    if keep is not None and keep not in get_args(Keep):
        raise InputError("unknown choice", where="--keep", expected=", ".join(get_args(Keep)), got=keep)


def _bytes(gb: float) -> int:
    if not 0 <= gb < math.inf:
        raise InputError("not a size", where="--trajectories", expected="at least 0 GB", got=gb)
    return int(gb * 1e9)


def _limits(trial_deadline_min: float | None, deadline_h: float | None, grace_s: float | None) -> Limits:
    for option, value in (("--trial-deadline", trial_deadline_min), ("--deadline", deadline_h)):
        if value is not None and not value > 0:
            raise InputError("not a deadline", where=option, expected="more than 0", got=value)
    if grace_s is not None and not grace_s >= 0:
        raise InputError("not a grace period", where="--grace", expected="at least 0 seconds", got=grace_s)
    deadline_s = None if deadline_h is None else 3600 * deadline_h
    return Limits(deadline_s) if grace_s is None else Limits(deadline_s, grace_s)


def _backend(name: str) -> ModuleType:
    """Raises InputError for an unknown backend, BlockedError for one whose library is not installed."""
    try:
        return registry.load("backend", name)
    except ImportError as error:
        raise BlockedError(f"the backend '{name}' needs {error.name}; run: pip install 'ray[tune]'") from None


def _last_total(files: Study) -> int | None:
    """The total that the study was last driven to."""
    totals = [int(event["trials"]) for event in files.events() if event.get("event") in ("started", "resumed")]
    return totals[-1] if totals else None


def concurrency_of(question: Space, given: Resources | None = None) -> int:
    """Trials at once on this machine: what the space says, or as many as its cores carry."""
    if question.search.concurrency != "auto":
        return question.search.concurrency
    return max(1, int(len(os.sched_getaffinity(0)) / (given or question.resources).cpu))


def _concurrency(question: Space, given: Resources, asked: int | None, address: str | None) -> int:
    if asked is not None:
        if asked < 1:
            raise InputError("no worker", where="--concurrency", expected="at least 1", got=asked)
        return asked
    if address is not None and question.search.concurrency == "auto":
        return sys.maxsize  # as many as the cluster carries, which is known when it is joined
    return concurrency_of(question, given)


def _device(runtime: Runtime, address: str | None) -> None:
    """Raises InputError for an unknown device, BlockedError for one that this machine lacks, where trials run here."""
    try:
        runtime.torch_device()
    except BlockedError:
        if address is None:
            raise


def _given(question: Space, cpu: float | None, gpu: float | None, gpu_gib: float | None) -> Resources:
    """What one trial is given: what the space says, or what takes its place. Raises InputError for no CPU, for GPUs
    beyond one that are no whole number, and for a share of a GPU beside an amount of its memory."""
    if cpu is not None and not 0 < cpu < math.inf:
        raise InputError("not a share of a machine", where="--cpu", expected="more than 0", got=cpu)
    if gpu is not None and not is_share(gpu):
        raise InputError("not a share of a machine", where="--gpu", expected="0 to 1, or a whole number", got=gpu)
    if gpu_gib is not None and not 0 < gpu_gib < math.inf:
        raise InputError("not an amount of memory", where="--gpu-gib", expected="more than 0", got=gpu_gib)
    asked: dict[str, float | None] = {} if cpu is None else {"cpu": cpu}
    if gpu is not None or gpu_gib is not None:  # one takes the place of whatever the space says
        asked |= {"gpu": gpu or 0.0, "gpu_gib": gpu_gib}
    if gpu and gpu_gib is not None:
        raise InputError(
            "a share of a GPU and an amount of its memory",
            where="--gpu",
            expected="one of gpu and gpu_gib",
            got=f"gpu {gpu:g}, gpu_gib {gpu_gib:g}",
        )
    return question.resources.model_copy(update=asked)


def _manifest(
    question: Space, name: str, seed: int | None, sampler: str | None, pruner: str | None, keep: Keep
) -> StudyManifest:
    chosen, stopping = sampler or question.search.sampler, pruner or question.search.pruner
    registry.load("sampler", chosen)
    if stopping is not None:
        registry.load("pruner", stopping)
    return StudyManifest(
        name=name,
        space=question.model_dump(mode="json"),
        space_hash=question.space_hash,
        seed=question.search.seed if seed is None else seed,
        sampler=chosen,
        pruner=stopping,
        keep=keep,
        relus=question.relus,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=code_version(),
    )


def _reopened(home: Path, name: str, asked: Mapping[str, object]) -> Study:
    """An existing study that was made with what was asked for, where anything was."""
    files = Study.open(home, name)
    manifest = files.manifest()
    for option, value in asked.items():
        made_with = getattr(manifest, option)
        if value is not None and value != made_with:
            raise InputError(
                f"the study '{name}' was made with another value",
                where=f"--{option}",
                expected=str(made_with),
                got=value,
                fix=f"resume without --{option}, or start another study with --name",
            )
    return files


def _text(space: str | Path) -> str:
    return shelves.find("search_spaces", str(space)).read_text(encoding="utf-8")
