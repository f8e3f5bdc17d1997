"""Points per hour where trials share their mask search, beside full runs; and what else they share.

python benchmarks/reuse QUESTION [--data DIR] [--home results/reuse] [--seeds 3] [--methods snl,autorep]
                        [--sides full,snapshots,trajectory] [--report]

QUESTION is digits or laboratory (questions.yaml): budgets fixed beforehand, the same finetuning and one teacher on all
sides. Trials run one after another, on one thread. It can be stopped at any moment and goes on: a trial that was cut
off begins anew, with no more on the shelf than there was. What is measured is written to EVIDENCE after each trial;
--report prints it and runs nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import plan as plans
import report
import torch

from frontier.__main__ import guarded
from frontier.errors import InputError, TrialFailed
from frontier.files import write_atomic
from frontier.results.migrate import read_record
from frontier.results.record import TrialRecord
from frontier.trial.origin import machine
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

EVIDENCE = Path("results/reference/reuse")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", help="digits or laboratory")
    parser.add_argument("--data", type=Path, help="folder with the original CIFAR-10 files; default: FRONTIER_DATA")
    parser.add_argument("--home", type=Path, default=Path("results/reuse"))
    parser.add_argument("--evidence", type=Path, help=f"JSON file; default: {EVIDENCE}/QUESTION.json")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", default="snl,autorep")
    parser.add_argument("--sides", default=",".join(plans.SIDES), help="what was measured of others is kept")
    parser.add_argument("--report", action="store_true", help="print the evidence and run nothing")
    arguments = parser.parse_args()
    evidence = arguments.evidence or EVIDENCE / f"{arguments.question}.json"
    if not arguments.report:
        plan = plans.read(arguments.question)
        wanted = {
            "method": (*chosen(arguments.methods, plan.methods, "--methods"), plans.PROXY),
            "side": (*chosen(arguments.sides, plans.SIDES, "--sides"), *plans.ALONE),
        }
        jobs = [*plan.alone(), *plan.trials(arguments.seeds)]
        asked = {job.name for job in jobs if all(getattr(job, name) in found for name, found in wanted.items())}
        measure(plan, jobs, asked, arguments.home.resolve() / arguments.question, arguments.data, evidence)
    for line in report.lines(json.loads(evidence.read_text(encoding="utf-8"))):
        print(line)


def chosen(text: str, known: Iterable[str], option: str) -> list[str]:
    """Names separated by commas. Raises InputError for one that there is not."""
    found, there = text.split(","), list(known)
    for name in found:
        if name not in there:
            raise InputError(f"no '{name}'", where=option, expected=", ".join(there))
    return found


def measure(
    plan: plans.Plan, jobs: list[plans.Job], asked: set[str], home: Path, data: Path | None, evidence: Path
) -> None:
    """Run those asked for that have no record, and write down all that there are."""
    runtime = Runtime(home=home, data=data, device="cpu", keep_weights=False, trajectories_bytes=1 << 40)
    torch.set_num_threads(1)
    found: dict[str, TrialRecord] = {}
    warm: set[str] = set()
    for number, job in enumerate(jobs):
        folder = home / "trials" / job.name
        path = folder / "record.json"
        if not path.is_file():
            if job.name not in asked:
                continue
            if job.method not in warm:
                warm.add(job.method)
                shutil.rmtree(home / "warm_up", ignore_errors=True)
                run(plan.warm_up(job.method), home / "warm_up" / "trial", replace(runtime, home=home / "warm_up"))
            begin_anew(home, folder, job)
            kept = replace(runtime, trajectories_bytes=0) if job.side == "full" else runtime
            if run(job.spec, folder, kept).state != "complete":
                raise TrialFailed(f"{job.name} failed: {folder / 'log.txt'} says why")
            for states in (home / "trajectories").glob("*") if job.side == "snapshots" else ():
                shutil.rmtree(states)  # one seed's
        found[job.name] = read_record(path.read_bytes(), where=str(path))
        seconds = sum(found[job.name].origin.wall_s.values())
        print(f"{job.name}: {seconds:.0f} s, {number + 1}/{len(jobs)}", file=sys.stderr, flush=True)
        evidence.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(evidence, json.dumps(gathered(plan, jobs, found), indent=1) + "\n")


def begin_anew(home: Path, folder: Path, job: plans.Job) -> None:
    """Remove what a trial that was cut off has left: its folder, what it shares, and what it added to a trajectory."""
    listed = home / "before.json"
    if folder.exists() and listed.is_file():
        before = set(json.loads(listed.read_text(encoding="utf-8")))
        for path in states(home):
            if str(path) not in before:
                path.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    if job.side == "made":
        for name in ("teachers", "corruptions", "trajectories"):
            shutil.rmtree(home / name, ignore_errors=True)
    if job.side == "snapshots":  # it walks all the way by itself
        shutil.rmtree(home / "trajectories", ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    write_atomic(listed, json.dumps([str(path) for path in states(home)]))


def states(home: Path) -> list[Path]:
    return sorted((home / "trajectories").glob("*/*.safetensors"))


def gathered(plan: plans.Plan, jobs: Iterable[plans.Job], found: dict[str, TrialRecord]) -> dict[str, Any]:
    """What the report needs, and where it comes from."""
    there = [job for job in jobs if job.name in found]
    origin = found[there[-1].name].origin
    alone = {job.about: found[job.name].comparable() for job in there if job.side == "full"}
    same = {
        job.about: found[job.name].comparable() == alone[job.about]
        for job in there
        if job.side == "trajectory" and job.about in alone
    }
    return {
        "question": plan.name,
        "budgets": list(plan.budgets),
        "machine": machine(),
        "threads": origin.threads,
        "code_version": origin.code_version,
        "libraries": origin.libraries,
        "compiled": origin.compiled,
        "same_record": same,
        "trials": [trial(job, found[job.name]) for job in there],
    }


def trial(job: plans.Job, record: TrialRecord) -> dict[str, Any]:
    points = [
        {
            "relu_budget": point.relu_budget,
            "relu_count": point.relu_count,
            **{split: accuracies(getattr(point, split)) for split in ("validation", "test")},
        }
        for point in record.points
    ]
    about = {"side": job.side, "method": job.method, "seed": job.seed, "relu_budget": job.spec.relu_budget}
    origin = {"wall_s": record.origin.wall_s, "reused": record.origin.reused, "started_at": record.origin.started_at}
    return {**about, **origin, "passes": record.passes, "shared_passes": record.shared_passes, "points": points}


def accuracies(scores: Any) -> dict[str, float]:
    return {name: getattr(scores, name).value for name in ("clean", "corrupted", "adversarial")}


if __name__ == "__main__":
    guarded(main, "interrupted; the same command goes on")
