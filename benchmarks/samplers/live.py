"""Searches that really train, to hold the simulated ones against: one study a sampler and seed, inline."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from evidence import Live

import frontier
from frontier.results.record import TrialRecord
from frontier.results.store import Study
from frontier.spaces.space import Space

CONCURRENCY = 1  # trials at once inline; a simulated search beside a live one has as many


def name_of(space: Space, sampler: str, seed: int) -> str:
    return f"samplers-{space.name}-{sampler}-{seed}"


def search(space: Space, place: str, home: Path, sampler: str, seed: int, trials: int, data: Path | None) -> None:
    """Run the search, or what is left of it. `place`: the space's name or path."""
    name = name_of(space, sampler, seed)
    resume = Study(home, name).exists()
    print(f"{name}: up to {trials} trials", file=sys.stderr, flush=True)
    frontier.search(
        place,
        name=name,
        home=home,
        trials=trials,
        seed=None if resume else seed,
        sampler=None if resume else sampler,
        backend="inline",
        device="cpu",
        keep=None if resume else "none",
        resume=resume,
        data=data,
    )


def found(space: Space, home: Path, samplers: Sequence[str], seeds: int) -> Iterator[Live]:
    """What the studies in `home` say, whether they are at their end or not."""
    for sampler in samplers:
        for seed in range(seeds):
            study = Study(home, name_of(space, sampler, seed))
            if study.exists():
                yield _live(space, study, sampler, seed)


def _live(space: Space, study: Study, sampler: str, seed: int) -> Live:
    """Inline trials end in the order of their numbers."""
    records = [record for _, record in study.records() if isinstance(record, TrialRecord)]
    values, observed = [], []
    for record in records:
        worth = space.goals.values(record.points[0]) if record.state == "complete" else None
        if worth is not None:
            values.append(worth)
        observed.append(round(space.goals.hypervolume(values, space.relus), 6))
    return Live(
        sampler=sampler,
        seed=seed,
        observed=tuple(observed),
        failed=sum(record.state != "complete" for record in records),
        code_version=study.manifest().code_version,
    )
