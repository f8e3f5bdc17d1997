"""The points of other studies that a sampler may learn from: of the same data, network and measurement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from frontier.api.guesses import study_at
from frontier.driver.parameters import assignment
from frontier.driver.warm import Elsewhere
from frontier.errors import InputError
from frontier.results.record import TrialRecord, address
from frontier.results.store import Study
from frontier.spaces.space import Space

OPTION = "--warm-start"
EQUAL = ("data", "network", "measure")  # or an accuracy of the other study would be another number


def points_elsewhere(names: Sequence[str], space: Space, home: Path) -> tuple[Elsewhere, ...]:
    """The points of complete trials of these studies, as far as the space holds their parameters and prices them.

    Raises InputError for a study of other data, network or measurement, and for one of which nothing can be used.
    """
    return tuple(point for name in names for point in _of(name, study_at(name, home, OPTION), space))


def _of(name: str, study: Study, space: Space) -> list[Elsewhere]:
    records = [(trial, record) for trial, record in study.records() if isinstance(record, TrialRecord)]
    complete = [(t, record) for t, record in records if record.state == "complete" and record.spec.replicates is None]
    for _, record in complete:
        for part in EQUAL:
            ours, theirs = getattr(space, part), getattr(record.spec, part)
            if ours != theirs:
                raise InputError(
                    f"the study '{name}' has another '{part}' than the space, so its figures are others",
                    where=OPTION,
                    expected=ours.model_dump_json(),
                    got=theirs.model_dump_json(),
                )
    found = [point for trial, record in complete for point in _points(f"{study.name}:", trial, record, space)]
    if not found:
        raise InputError(
            f"nothing of the study '{name}' can be used",
            where=OPTION,
            expected=f"complete trials whose parameters the space '{space.name}' holds",
            got=f"{len(complete)} complete trials, none of them",
        )
    return found


def _points(prefix: str, trial: int, record: TrialRecord, space: Space) -> Iterator[Elsewhere]:
    for index, point in enumerate(record.points):
        told = space.goals.told(point)
        try:
            values = assignment(space, record.spec, point.relu_budget)
        except InputError:  # outside the space: nothing to its sampler
            continue
        if told is not None:
            violations = {limit.text: limit.violation(point) for limit in space.limits}
            source = prefix + address(trial, index)
            yield Elsewhere(source=source, values=values, told=told, violations=violations)
