"""Recorded results answer instead of training, so that search code is tried in milliseconds a trial.

A specification gets the record of the nearest recorded trial of its method: Euclidean in log10(budget + 1), the
finetuning rate and the knobs, numbers as a share of the recorded range (logarithmic where that spans a factor of
100), others equal or not. It costs a pass over the records, so ten thousand trials a minute are usual.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from frontier.driver.study import Search
from frontier.driver.work import Asked, Work, write_failed
from frontier.errors import InputError
from frontier.results.record import TrialRecord
from frontier.results.spec import Scalar, TrialSpec
from frontier.results.store import write_record

NOTE = "simulated: replayed from a recorded trial"


def check(work: Work) -> None:
    """Raises InputError if `work.recorded` has no complete record."""
    _complete(work)


def run(search: Search, work: Work) -> None:
    """Answers until nothing is handed out any more. Raises InputError if `work.recorded` has no complete record."""
    recorded = _complete(work)
    by_method = {
        method: _Nearest([record for record in recorded if record.spec.method == method])
        for method in {record.spec.method for record in recorded}
    }
    while asked := search.ask():
        answer(asked, by_method.get(asked.spec.method))
        search.collect(asked.trial)


def answer(asked: Asked, nearest: _Nearest | None) -> None:
    """Writes the record of the nearest recorded trial under the asked specification, marked as simulated."""
    if nearest is None:
        write_failed(asked, f"no recorded trial of method '{asked.spec.method}'")
        return
    source = nearest.to(asked.spec)
    point = source.points[0].model_copy(update={"relu_budget": asked.spec.relu_budget})
    record = source.model_copy(
        update={
            "trial": asked.trial,
            "spec": asked.spec,
            "points": (point,),
            "notes": (*source.notes, f"{NOTE} (seed {source.spec.seed})"),
            "origin": source.origin.model_copy(update={"device": "replay", "code_version": asked.code_version}),
        }
    )
    write_record(asked.folder, record)


def _complete(work: Work) -> list[TrialRecord]:
    recorded = [record for record in work.recorded if record.state == "complete"]
    if not recorded:
        raise InputError("nothing to replay", expected="at least one complete record")
    return recorded


@final
class _Nearest:
    """The recorded trials of one method as rows of a table; columns are the budget and the knobs."""

    def __init__(self, records: Sequence[TrialRecord]) -> None:
        self._records = records
        rows = [_coordinates(record.spec) for record in records]
        self._scales = {name: _Scale.over([row[name] for row in rows]) for name in rows[0]}
        self._table = np.array([self._place(row) for row in rows])

    def to(self, spec: TrialSpec) -> TrialRecord:
        """The nearest record; of equally near ones the first."""
        distances = ((self._table - self._place(_coordinates(spec))) ** 2).sum(axis=1)
        return self._records[int(distances.argmin())]

    def _place(self, row: Mapping[str, Scalar]) -> NDArray[np.float64]:
        return np.concatenate([scale.place(row[name]) for name, scale in self._scales.items()])


@dataclass(frozen=True)
class _Scale:
    """How one column is measured: numbers between `low` and `high`, or one of `options`."""

    low: float = 0.0
    high: float = 1.0
    log: bool = False
    options: tuple[Scalar, ...] = ()

    @classmethod
    def over(cls, column: Sequence[Scalar]) -> _Scale:
        """Logarithmic where positive values span a factor of 100 or more."""
        if any(isinstance(value, bool | str) for value in column):
            return cls(options=tuple(sorted(set(column), key=str)))
        numbers = [float(value) for value in column]
        low, high = min(numbers), max(numbers)
        log = low > 0 and high >= 100 * low
        return cls(math.log(low), math.log(high), log) if log else cls(low, high)

    def place(self, value: Scalar) -> list[float]:
        """Coordinates in which two values that differ as much as the recorded ones do are 1 apart."""
        if self.options:
            return [math.sqrt(0.5) * (value == option) for option in self.options]
        number = float(value)
        if self.log:
            number = math.log(number) if number > 0 else self.low
        return [(number - self.low) / ((self.high - self.low) or 1.0)]


def _coordinates(spec: TrialSpec) -> dict[str, Scalar]:
    """What is searched: the budget as log10(budget + 1), the knobs but for lists, the finetuning recipe's rate."""
    knobs = {name: value for name, value in spec.knobs.items() if not isinstance(value, tuple)}
    return {"relu_budget": math.log10(spec.relu_budget + 1), "finetune.lr": spec.finetune.lr, **knobs}
