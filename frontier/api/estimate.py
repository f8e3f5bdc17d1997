"""What a search will cost in hours and on disk, from a few timed steps of its own trials, before it starts.

Each method of the space is rehearsed (`trial.rehearse`) at the lowest, a middle and the highest ReLU budget, and so are
the teacher and whatever else is trained once. The numbers of steps, images and trials are known; the rest is a product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import torch

from frontier import registry
from frontier.api.lookups import load_space
from frontier.api.search import concurrency_of
from frontier.api.took import took
from frontier.errors import InputError
from frontier.mirror import home_at
from frontier.results.spec import Scalar
from frontier.results.store import Keep
from frontier.shelves import DEFAULT_HOME
from frontier.spaces.domain import ChoiceDomain, CountDomain, Domain, LogDomain
from frontier.spaces.space import Space
from frontier.training.context import Context
from frontier.training.rehearsal import Span
from frontier.trial.appraise import corrupting_s
from frontier.trial.check import check as check_spec
from frontier.trial.rehearse import Rehearsed, rehearse
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source

SETS = "corruption sets"
ASSUMED = (
    "every method is asked equally often, at budgets spread over the whole range",
    "trials that run at once do not slow each other down; starting workers and the sampler take no time",
    "nothing fails, is pruned or is asked twice; logs, checkpoints and the sampler's memory take no room",
)
EARLY = "the low end: its search is over after one epoch; the high end: it takes all its epochs"
Tell = Callable[[str], None]


def estimate(
    space: str | Path,
    *,
    trials: int | None = None,
    concurrency: int | None = None,
    keep: Keep = "front",
    home: Path | str = DEFAULT_HOME,
    data: Path | str | None = None,
    download: bool = False,
    device: str = "auto",
    against: str | None = None,
    tell: Tell = lambda line: None,
) -> dict[str, Any]:
    """What `frontier estimate --json` prints. Nothing is written under `home`; what lies there is not trained again.

    `against` is a study of this space that was really run: what it took stands beside the estimate, which then is that
    of a search that finds nothing under `home`. `tell` hears what is being rehearsed. Raises InputError for whatever is
    wrong with the space or the numbers.
    """
    question = load_space(str(space))
    trials, concurrency = _counts(question, trials, concurrency)
    folder = home_at(home)
    real = took(folder, against, question) if against is not None else None
    with TemporaryDirectory(prefix="frontier-") as empty:
        runtime = Runtime(
            home=folder if real is None else Path(empty),
            data=Path(data) if data is not None else None,
            download=download,
            device=device,
            threads=max(1, int(question.resources.cpu)),
            plugins=registry.folders(),
        )
        found, shared, sets_bytes = _rehearsed(question, runtime, tell)
    by_method = {method: _method(rehearsed) for method, rehearsed in found.items()}
    each = Span(*(fmean(one["trial_s"][end] for one in by_method.values()) for end in ("low", "high")))
    whole = _sum(shared.values()).plus(each.times(math.ceil(trials / concurrency)))
    return {
        "space": question.name,
        "space_hash": question.space_hash,
        "device": str(runtime.torch_device()),
        "threads": runtime.threads,
        "trials": trials,
        "concurrency": concurrency,
        "methods": by_method,
        "once_s": {_plain(name): _json(seconds) for name, seconds in shared.items()},
        "trial_s": _json(each),
        "search_s": _json(whole),
        "disk_bytes": _disk(list(found.values()), trials, keep, sets_bytes),
        "keep": keep,
        "assumed": [*ASSUMED, *_notes(found)],
        **({"real": real} if real is not None else {}),
    }


def _rehearsed(
    question: Space, runtime: Runtime, tell: Tell
) -> tuple[dict[str, tuple[Rehearsed, ...]], dict[str, Span], int]:
    """The rehearsals by method, what is made once for all trials, and the bytes of the corrupted images to be made."""
    source = Source.of(question.data, runtime.data_folder(), runtime.download, home=runtime.home)
    source.ready(question.measure)
    threads = torch.get_num_threads()
    torch.set_num_threads(runtime.threads)
    try:
        found = {one: tuple(_rehearsals(question, one, source, runtime, tell)) for one in question.method_names}
    finally:
        torch.set_num_threads(threads)
    tell("corrupted images")
    making_s, sets_bytes = corrupting_s(source, question.measure)
    every = [one for rehearsed in found.values() for one in rehearsed]
    shared = {name: seconds for one in every for name, seconds in one.shared.items()}
    if making_s:
        shared[SETS] = Span(making_s, making_s)
    return found, shared, sets_bytes


def _counts(question: Space, trials: int | None, concurrency: int | None) -> tuple[int, int]:
    for option, value in (("--trials", trials), ("--concurrency", concurrency)):
        if value is not None and value < 1:
            raise InputError("nothing to estimate", where=option, expected="at least 1", got=value)
    return trials or question.search.trials, concurrency or concurrency_of(question)


def _rehearsals(question: Space, method: str, source: Source, runtime: Runtime, tell: Tell) -> Iterable[Rehearsed]:
    device = runtime.torch_device()
    for assignment in assignments(question, method):
        spec = question.spec(assignment, seed=0)
        check_spec(spec)
        tell(f"{method} at {spec.relu_budget:,} ReLUs")
        yield rehearse(spec, source, runtime.home, lambda folder: Context(device=device, checkpoints=folder))


def assignments(question: Space, method: str) -> tuple[dict[str, Scalar], ...]:
    """Three, or fewer where they are equal: every parameter at its low end, in its middle, at its high end."""
    domains = question.parameters(method)
    found: list[dict[str, Scalar]] = []
    for place in (0.0, 0.5, 1.0):
        one: dict[str, Scalar] = {"method": method}
        one |= {name: at(domain, place) for name, domain in domains.items()}
        if one not in found:
            found.append(one)
    return tuple(found)


def at(domain: Domain, place: float) -> Scalar:
    """The value of a domain at 0, 0.5 or 1 of its way, logarithmic where the domain is."""
    if isinstance(domain, ChoiceDomain):
        return domain.options[round(place * (len(domain.options) - 1))]
    low, high = domain.probes
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if place in (0.0, 1.0):
        return high if place else low
    shift = 1 if isinstance(domain, CountDomain) else 0
    logarithmic = isinstance(domain, CountDomain | LogDomain)
    value = math.sqrt((low + shift) * (high + shift)) - shift if logarithmic else (low + high) / 2
    return round(value) if isinstance(low, int) and isinstance(high, int) else value


def _method(rehearsed: Sequence[Rehearsed]) -> dict[str, Any]:
    """Means over the rehearsals of a method."""
    stages = {
        stage: Span(*(fmean(one.stages[stage][end] for one in rehearsed) for end in (0, 1)))
        for stage in rehearsed[0].stages
    }
    return {
        "trial_s": _json(_sum(stages.values())),
        "stages_s": {stage: _json(seconds) for stage, seconds in stages.items()},
        "rehearsals": len(rehearsed),
        "points": {"low": min(one.points for one in rehearsed), "high": max(one.points for one in rehearsed)},
    }


def _disk(found: Sequence[Sequence[Rehearsed]], trials: int, keep: Keep, sets_bytes: int) -> dict[str, Any]:
    """Bytes of all that stays. Of the weights those of the front stay, or all, or none: with `front`, from one trial's
    to every trial's."""
    sizes = [one.sizes for rehearsed in found for one in rehearsed]
    records = trials * fmean(one.record for one in sizes)
    masks = trials * fmean(one.masks for one in sizes)
    weights = fmean(one.weights for one in sizes)
    kept = {"all": (trials, trials), "front": (1, trials), "none": (0, 0)}[keep]
    parts = {
        "records": (records, records),
        "masks": (masks, masks),
        "weights": (kept[0] * weights, kept[1] * weights),
        SETS.replace(" ", "_"): (sets_bytes, sets_bytes),
    }
    parts["all"] = (sum(low for low, _ in parts.values()), sum(high for _, high in parts.values()))
    return {name: {"low": round(low), "high": round(high)} for name, (low, high) in parts.items()}


def _notes(found: dict[str, tuple[Rehearsed, ...]]) -> list[str]:
    notes = [note for rehearsed in found.values() for one in rehearsed for note in one.notes]
    early = [method for method, rehearsed in found.items() if any(one.may_end for one in rehearsed)]
    return [*([f"{', '.join(early)}: {EARLY}"] if early else []), *dict.fromkeys(notes)]


def _plain(name: str) -> str:
    """`teacher` for `teacher-3f0a...`: the hash tells equal names apart, not people."""
    return name.partition("-")[0] if name.startswith("teacher-") else name.rpartition("-")[0] or name


def _sum(spans: Iterable[Span]) -> Span:
    total = Span()
    for span in spans:
        total = total.plus(span)
    return total


def _json(seconds: Span) -> dict[str, float]:
    return {"low": round(seconds.low, 3), "high": round(seconds.high, 3)}
