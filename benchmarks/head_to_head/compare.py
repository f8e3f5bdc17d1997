"""What the records say: paired differences from the control, and where each contender puts its ReLUs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, stdev

from plan import Contender, Job, Plan
from scipy.stats import t

from frontier.results.record import TrialRecord

ACCURACIES = ("clean", "corrupted", "adversarial")
BASELINES = ("random", "uniform")
Found = Mapping[int, TrialRecord]  # by trial


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences over `n` seeds and its 95 % interval by Student's t; None for one seed."""

    mean: float
    half: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Difference:
        n = len(values)
        half = float(t.ppf(0.975, n - 1)) * stdev(values) / n**0.5 if n > 1 else None
        return cls(fmean(values), half, n)

    def __str__(self) -> str:
        if self.half is None:
            return f"{100 * self.mean:+5.1f}"
        low, high = (100 * (self.mean + side * self.half) for side in (-1, 1))
        return f"{100 * self.mean:+5.1f} [{low:+5.1f}, {high:+5.1f}]"


def tuning_table(jobs: Iterable[Job], found: Found, chosen: Mapping[str, int]) -> Iterable[str]:
    """Every attempt with its validation figures."""
    yield f"{'contender':22} attempt   clean  corrupted  adversarial (validation, %)  knobs"
    for job in jobs:
        record, one = found.get(job.trial), job.contender
        if record is None:
            continue
        attempt = one.attempts[job.attempt]
        pairs = {**attempt.finetune, **attempt.knobs}.items()
        said = ", ".join(f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in pairs)
        mark = "*" if chosen.get(one.name) == job.attempt else " "
        if record.state != "complete":
            yield f"{one.name:22} {job.attempt}{mark}  {record.state}: {record.reason}"
            continue
        scores = record.points[0].validation
        figures = "".join(f"{100 * getattr(scores, name).value:10.1f}" for name in ACCURACIES)
        yield f"{one.name:22} {job.attempt}{mark}{figures}    {said or 'defaults'}"


def test_table(plan: Plan, jobs: Sequence[Job], found: Found) -> Iterable[str]:
    """Mean test accuracies over seeds, their standard deviation, and what the trials took. `once`: passes of proxies
    and teachers that a contender has trained for itself, once for all its trials."""
    head = f"{'clean':>12} {'corrupted':>12} {'adversarial':>12}  passes   once  minutes"
    yield f"{'contender':22} {'budget':>6} seeds  {head}  fidelity"
    for budget in plan.budgets:
        for one in plan.contenders:
            records = _records(jobs, found, one, budget)
            if not records:
                continue
            figures = []
            for name in ACCURACIES:
                values = [100 * score_on_test(record, name) for record in records.values()]
                spread = f"{stdev(values):4.1f}" if len(values) > 1 else "   -"
                figures.append(f"{fmean(values):5.1f} +-{spread}")
            each = list(records.values())
            passes = fmean(sum(record.passes.values()) for record in each)
            once = fmean(sum(p for name, p in record.shared_passes.items() if name != "teacher") for record in each)
            minutes = fmean(sum(record.origin.wall_s.values()) for record in each) / 60
            yield (
                f"{one.name:22} {budget:6} {len(records):5}  {' '.join(figures)} {passes:7.2f} {once:6.1f} "
                f"{minutes:8.1f}  {each[0].origin.fidelity}"
            )


def difference_table(plan: Plan, jobs: Sequence[Job], found: Found) -> Iterable[str]:
    """Test accuracy of each contender minus its control's at the same budget and seed, in points; then minus the plain
    baselines', whose recipe is another one where the control is."""
    yield f"{'contender - control':44} {'budget':>6} seeds  " + "  ".join(f"{name:20}" for name in ACCURACIES)
    for one in plan.contenders:
        if one.control is not None:
            yield from _versus(plan, jobs, found, one, plan[one.control])
    for baseline in BASELINES:
        yield f"minus {baseline}, whatever the recipe:"
        for one in plan.contenders:
            if one.name != baseline and one.control != baseline:
                yield from _versus(plan, jobs, found, one, plan[baseline])


def _versus(plan: Plan, jobs: Sequence[Job], found: Found, one: Contender, other: Contender) -> Iterable[str]:
    pooled: dict[str, dict[int, list[float]]] = {name: defaultdict(list) for name in ACCURACIES}
    title = f"{one.name} - {other.name}"
    for budget in plan.budgets:
        mine, theirs = _records(jobs, found, one, budget), _records(jobs, found, other, budget)
        seeds = sorted(mine.keys() & theirs.keys())
        if not seeds:
            continue
        figures = []
        for name in ACCURACIES:
            values = [score_on_test(mine[seed], name) - score_on_test(theirs[seed], name) for seed in seeds]
            figures.append(f"{Difference.of(values)!s:20}")
            for seed, value in zip(seeds, values, strict=True):
                pooled[name][seed].append(value)
        yield f"{title:44} {budget:6} {len(seeds):5}  " + "  ".join(figures)
    whole = {
        name: [fmean(values) for values in by_seed.values() if len(values) == len(plan.budgets)]
        for name, by_seed in pooled.items()
    }
    if whole["clean"]:
        figures = [f"{Difference.of(values)!s:20}" for values in whole.values()]
        yield f"{title:44} {'all':>6} {len(whole['clean']):5}  " + "  ".join(figures)


def failures(jobs: Sequence[Job], found: Found) -> Iterable[str]:
    """Those that are missing in the figures above, with their reasons."""
    failed = [job for job in jobs if job.trial in found and found[job.trial].state != "complete"]
    for job in failed:
        reason = found[job.trial].reason
        yield f"{job.trial}: {job.contender.name} at {job.relu_budget} ReLUs, seed {job.seed}: {reason}"
    if not failed:
        yield "none"


def place_table(plan: Plan, jobs: Sequence[Job], found: Found) -> Iterable[str]:
    """The share of the kept ReLUs at each site, in percent, the mean over seeds."""
    complete = next((record for record in found.values() if record.points), None)
    if complete is None:
        return
    sites = [site.path for site in complete.points[0].profile.sites]
    yield f"{'contender':22} {'budget':>6}  " + " ".join(f"{path:>12}" for path in sites) + "   squares"
    for budget in plan.budgets:
        for one in plan.contenders:
            records = list(_records(jobs, found, one, budget).values())
            if not records:
                continue
            profiles = [record.points[0].profile for record in records]
            shares = [fmean(100 * p.sites[i].kept / max(p.kept, 1) for p in profiles) for i in range(len(sites))]
            squares = fmean(sum(site.squares for site in p.sites) for p in profiles)
            yield f"{one.name:22} {budget:6}  " + " ".join(f"{share:12.1f}" for share in shares) + f"{squares:10.0f}"


def chosen_attempts(plan: Plan, found: Found) -> dict[str, int]:
    """For each contender whose attempts have all ended, the best one on validation (the earlier, if equal)."""
    best: dict[str, int] = {}
    for one, group in groupby(plan.tuning(), key=lambda job: job.contender):
        jobs = list(group)
        if all(job.trial in found for job in jobs):
            values = {job.attempt: _criterion(one, found[job.trial]) for job in jobs}
            best[one.name] = max(values, key=lambda attempt: (values[attempt], -attempt))
    return best


def _criterion(one: Contender, record: TrialRecord) -> float:
    if record.state != "complete":
        return -1.0
    return fmean(getattr(record.points[0].validation, name).value for name in one.criterion)


def _records(jobs: Sequence[Job], found: Found, one: Contender, budget: int) -> dict[int, TrialRecord]:
    """Complete records by seed."""
    mine = [job for job in jobs if job.contender == one and job.relu_budget == budget and job.trial in found]
    return {job.seed: found[job.trial] for job in mine if found[job.trial].state == "complete"}


def score_on_test(record: TrialRecord, name: str) -> float:
    """One of ACCURACIES of the asked point."""
    value: float = getattr(record.points[0].test, name).value
    return value
