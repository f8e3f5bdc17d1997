"""All methods on CIFAR-10 with the laboratory network, with equal training, paired with random masks.

python benchmarks/head_to_head --data DIR [--seeds 5] [--workers 2] [--home results/reference]
                                        [--places "senet,autorep"] [--report]

A list of trials: first the tuning attempts, then everybody at every budget, seed after seed. It can be stopped at any
moment (Ctrl-C, kill) and goes on where it was; with --report it prints what there is and runs nothing. With
--places the masks that these contenders have found are then trained anew as random masks are (places.py). Records and
masks are written to HOME/studies/head_to_head, head_to_head_tuning and head_to_head_places, teachers to
results/teachers.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

import compare
import places
import plan as plans
import torch

from frontier.__main__ import guarded
from frontier.api.lookups import load_space
from frontier.errors import InputError, RecordError
from frontier.results.record import TrialRecord
from frontier.results.store import Study, StudyManifest
from frontier.shelves import find
from frontier.trial.origin import code_version
from frontier.trial.run import run
from frontier.trial.runtime import Runtime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the original CIFAR-10 files; default: FRONTIER_DATA")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="trials at once, one thread each")
    parser.add_argument("--home", type=Path, default=Path("results/reference"))
    parser.add_argument("--teachers", type=Path, default=Path("results"), help="home of the teachers")
    parser.add_argument("--space", default="head_to_head", help="a search space with `passes`, by name or path")
    parser.add_argument("--contenders", type=Path, default=plans.HERE / "contenders.yaml")
    parser.add_argument("--places", default="", help="contenders, separated by commas, whose masks are trained anew")
    parser.add_argument("--report", action="store_true", help="print what there is and run nothing")
    arguments = parser.parse_args()
    plan = plans.read(load_space(arguments.space), arguments.contenders)
    text = find("search_spaces", arguments.space).read_text(encoding="utf-8")
    names = (f"{plan.space.name}_tuning", plan.space.name, f"{plan.space.name}_places")
    if arguments.report:
        tuning, main_study, placed = (Study(arguments.home, name) for name in names)
    else:
        tuning, main_study, placed = (study(arguments.home, name, plan, text) for name in names)
    runtime = Runtime(home=arguments.teachers.resolve(), data=arguments.data, device="cpu", keep_weights=False)
    if not arguments.report:
        attempts = list(plan.tuning())
        for controls in (True, False):  # a contender's attempts have its control's chosen recipe
            chosen = compare.chosen_attempts(plan, records(tuning))
            wanted = [job for job in attempts if (job.contender.control is None) == controls]
            work_off(plan, tuning, wanted, chosen, runtime, arguments.workers)
        chosen = compare.chosen_attempts(plan, records(tuning))
        jobs = list(plan.comparison(arguments.seeds, chosen))
        work_off(plan, main_study, jobs, chosen, runtime, arguments.workers)
        if arguments.places:
            places.plug_in()
            anew = places.Places(plan, main_study)
            some = anew.jobs(jobs, arguments.places.split(","))
            work_off(anew, placed, some, chosen, runtime, arguments.workers)
    report(plan, records(tuning), records(main_study), records(placed), arguments.seeds)


def study(home: Path, name: str, plan: plans.Plan, text: str) -> Study:
    """The study of this name, made when it is not there."""
    found = Study(home, name)
    if found.exists():
        return found
    manifest = StudyManifest(
        name=name,
        space=plan.space.model_dump(mode="json"),
        space_hash=plan.space.space_hash,
        seed=0,
        sampler="listed in benchmarks/head_to_head",
        keep="none",
        relus=plan.space.relus,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=code_version(),
    )
    return Study.create(home, manifest, text)


def records(found: Study) -> dict[int, TrialRecord]:
    """By trial; those that cannot be read are named on stderr."""
    readable = {}
    for trial, record in found.records():
        if isinstance(record, RecordError):
            print(f"left out: {record}", file=sys.stderr)
        else:
            readable[trial] = record
    return readable


def work_off(
    plan: plans.Plan | places.Places,
    found: Study,
    jobs: Sequence[plans.Job],
    chosen: Mapping[str, int],
    runtime: Runtime,
    workers: int,
) -> None:
    """Run what has no record yet, `workers` trials at once in processes of their own.

    Raises InputError where a record is of another trial than the list now has under its number.
    """
    open_jobs = [job for job in jobs if not found.finished(job.trial)]
    for job in jobs:
        if found.finished(job.trial) and found.record(job.trial).spec != plan.spec(job, chosen):
            raise InputError(
                f"trial {job.trial} of {found.name} is not the one that the list has under this number",
                where=str(found.trial_folder(job.trial)),
                expected=f"{job.contender.name} at {job.relu_budget} ReLUs, seed {job.seed}, as listed now",
                fix="move the folder away, or give another --home",
            )
    print(f"{found.name}: {len(jobs) - len(open_jobs)} of {len(jobs)} trials are there", file=sys.stderr, flush=True)
    started, done = time.monotonic(), 0
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        futures = {
            pool.submit(run, plan.spec(job, chosen), found.trial_folder(job.trial), runtime, trial=job.trial): job
            for job in open_jobs
        }
        for future in as_completed(futures):
            job, record = futures[future], future.result()
            done += 1
            minutes = (time.monotonic() - started) / 60
            clean = f"{record.points[0].validation.clean.value:.1%}" if record.points else f"failed: {record.reason}"
            left = minutes / done * (len(open_jobs) - done)
            print(
                f"{found.name} {job.trial}: {job.contender.name} at {job.relu_budget} ReLUs, seed {job.seed}: {clean}; "
                f"{done}/{len(open_jobs)} in {minutes:.0f} min, about {left:.0f} left",
                file=sys.stderr,
                flush=True,
            )
    except BaseException:
        for worker in multiprocessing.active_children():
            worker.terminate()  # what it has is in its checkpoints
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def report(plan: plans.Plan, tuned: compare.Found, found: compare.Found, placed: compare.Found, seeds: int) -> None:
    chosen = compare.chosen_attempts(plan, tuned)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, one thread a trial"
    print(f"{machine}, torch {torch.__version__}, {code_version()}")
    print(f"equal training: {plan.space.passes:g} network passes per training image for search and finetuning together")
    show("Tuning attempts (* chosen)", compare.tuning_table(plan.tuning(), tuned, chosen))
    if not found or len(chosen) < len(plan.contenders):
        return
    jobs = list(plan.comparison(max(seeds, 1), chosen))
    kept = {job.trial for job in jobs if job.trial in found and found[job.trial].spec == plan.spec(job, chosen)}
    if len(kept) < len(found):
        print(f"\n{len(found) - len(kept)} records are of other trials than listed, and left out")
    found = {trial: record for trial, record in found.items() if trial in kept}
    shared = {name: passes for record in found.values() for name, passes in record.shared_passes.items()}
    listed = ", ".join(f"{name} {passes:g}" for name, passes in sorted(shared.items()))
    teachers = {record.teacher.hash: record.teacher.test.value for record in found.values() if record.teacher}
    print(f"\ntrained once for all trials and not counted below, passes: {listed}")
    print("teachers on test: " + ", ".join(f"{name} {clean:.1%}" for name, clean in teachers.items()))
    print("one teacher for all seeds; intervals are Student's over seeds, not corrected for their number")
    show("Test accuracy, mean +- standard deviation over seeds, %", compare.test_table(plan, jobs, found))
    show("Paired differences on test, points, with 95 % intervals", compare.difference_table(plan, jobs, found))
    show("Where the kept ReLUs are, % of them by site", compare.place_table(plan, jobs, found))
    if placed:
        title = "Places alone: the masks trained anew as random ones are, points on test, with 95 % intervals"
        show(title, places.table(plan, jobs, found, placed))
    show("Trials that failed", compare.failures(jobs, found))


def show(title: str, lines: Iterable[str]) -> None:
    print(f"\n{title}")
    for line in lines:
        print(line)


if __name__ == "__main__":
    guarded(main, "interrupted; the same command goes on")
