"""The trained networks: trials of the head-to-head comparison run once more, with their weights kept.

Same teacher, recipe, settings and seeds as in results/reference/studies/head_to_head, so that what is said there of
accuracy holds here. Records and masks are those of a study of its own; bundles are what `frontier export` writes.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evidence import Evidence

from frontier.api.study import StudyView
from frontier.errors import InputError, TrialFailed
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import Study
from frontier.trial.origin import code_version
from frontier.trial.run import run
from frontier.trial.runtime import Runtime
from frontier.trial.subject import Subject, add_measurement

STUDY, COMPARED = "latency", "head_to_head"
SEEDS = (0, 1, 2)
# method and surrogate of each contender, as the comparison names them
CONTENDERS = {
    "snl": ("snl", None),
    "fisher": ("fisher", None),
    "autorep": ("autorep", "degree2"),
    "autorep, identity": ("autorep", "identity"),
}
USUAL = ("snl", "fisher", "autorep")
BUDGETS = (665, 266, 1331)  # 5, 2 and 10 % of 13,312
FURTHER = ("fisher", 1064)  # where Fisher's masks are about as accurate as SNL's at 665
USUAL_BUDGETS = (665, FURTHER[1])
EQUAL = (("snl", 665), FURTHER)


@dataclass(frozen=True)
class Network:
    """One trial: under which number, whose, how many ReLUs, and its spec."""

    trial: int
    contender: str
    relu_budget: int
    seed: int
    spec: TrialSpec

    @property
    def name(self) -> str:
        return f"{self.contender} at {self.relu_budget} ReLUs, seed {self.seed}"


def listed(home: Path) -> Iterator[Network]:
    """Every network in order of its number; `home` holds the comparison. Raises InputError where a trial is missing."""
    found = {
        (contender, record.spec.relu_budget, record.spec.seed): record.spec
        for contender in CONTENDERS
        for _, record in Study.open(home, COMPARED).records()
        if isinstance(record, TrialRecord) and _is(record.spec, contender)
    }
    asked = [(name, budget, seed) for budget in BUDGETS for seed in SEEDS for name in CONTENDERS]
    further = [(*FURTHER, seed) for seed in SEEDS]
    for trial, (name, budget, seed) in enumerate(asked + further):
        spec = found.get((name, BUDGETS[0] if (name, budget) == FURTHER else budget, seed))
        if spec is None:
            raise InputError(f"{COMPARED} has no {name} at {budget} ReLUs, seed {seed}", where=str(home))
        yield Network(trial, name, budget, seed, spec.model_copy(update={"relu_budget": budget}))


def _is(spec: TrialSpec, contender: str) -> bool:
    method, surrogate = CONTENDERS[contender]
    return spec.method == method and (surrogate is None or spec.knobs["surrogate"] == surrogate)


def train(networks: list[Network], home: Path, reference: Path, data: Path | None, workers: int) -> None:
    """Run what has no record yet. It can be stopped at any moment and goes on where it was.

    `home` takes the study, with weights, and has the teachers; `reference` holds the comparison.
    """
    study = _study(home, reference)
    runtime = Runtime(home=home.resolve(), data=data, device="cpu", keep_weights=True)
    open_ones = [one for one in networks if not study.finished(one.trial)]
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        futures = {
            pool.submit(run, one.spec, study.trial_folder(one.trial), runtime, trial=one.trial): one
            for one in open_ones
        }
        for done, future in enumerate(as_completed(futures), 1):
            record = future.result()
            said = f"{record.points[0].test.clean.value:.1%}" if record.points else f"failed: {record.reason}"
            print(f"{done}/{len(open_ones)} {futures[future].name}: {said}", file=sys.stderr, flush=True)
    except BaseException:
        for worker in multiprocessing.active_children():
            worker.terminate()  # what it has is in its checkpoints
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def enter(found: Evidence, home: Path) -> int:
    """Put every session of a trained network into its trial's record; how many were not there yet. Raises InputError
    where a record is of another network than was measured."""
    study, entered = Study.open(home, STUDY), 0
    for network in found.networks:
        if network.trial is None:
            raise InputError("is no network of a study", where="--record", got=network.name)
        subject = Subject(study.trial_folder(network.trial), network.trial, 0, study.record(network.trial))
        if (there := subject.point.mask.hash) != network.mask_hash:
            where = f"{STUDY}, trial {network.trial}"
            raise InputError("another mask was measured", where=where, expected=network.mask_hash, got=there)
        known = [one.measured for one in subject.record.measurements]
        for session in found.sessions:
            if session.network == network.name and session.measured.figures() not in known:
                add_measurement(subject, session.measured)
                entered += 1
    return entered


def bundle(one: Network, home: Path, folder: Path, data: Path | None) -> Path:
    """The network's bundle in `folder`, exported where it is not there yet."""
    out = folder / f"{STUDY}-{one.trial}"
    if not out.exists():
        view = StudyView(home, STUDY)
        record = view.trial(one.trial)
        if record.state != "complete":
            raise TrialFailed(f"{one.name}: {record.reason}")
        folder.mkdir(parents=True, exist_ok=True)
        view.export(one.trial, out, data=data)
    return out


def _study(home: Path, reference: Path) -> Study:
    found = Study(home, STUDY)
    if found.exists():
        return found
    compared = Study.open(reference, COMPARED)
    changed = {
        "name": STUDY,
        "sampler": "listed in benchmarks/latency",
        "keep": "all",
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": code_version(),
    }
    manifest = compared.manifest().model_copy(update=changed)
    return Study.create(home, manifest, (compared.folder / "space.yaml").read_text(encoding="utf-8"))
