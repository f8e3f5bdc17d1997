"""Rungs of a recorded table: which trials were looked at there, how they stood, and when that was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from columns import Array

from frontier.pruners.stratified import GRACE, REDUCTION
from frontier.results.objectives import ACCURACIES, RELU_COUNT
from frontier.results.rung import Rung
from frontier.spaces.space import Space
from frontier.trial.climb import levels


@dataclass(frozen=True)
class Climb:
    """Of one method. `models`: of each of the three accuracies at each rung, in the order of `columns_of`; `since`
    and `measure` of the recorded trials that tell how long a trial takes, (n, rungs): training seconds until the rung
    is reached, and what measuring there takes."""

    models: Sequence[Any]
    since: Array
    measure: Array

    def exact(self, places: Array) -> Array:
        """(n, d) -> (n, rungs, 3)."""
        found = np.column_stack([model.predict(places) for model in self.models])
        return found.reshape(len(places), -1, len(ACCURACIES))


def levels_of(space: Space) -> tuple[int, ...]:
    """Levels of the rungs in the order in which a trial comes to them; none where finetunings differ in length."""
    epochs = space.finetune.get("epochs")
    if not isinstance(epochs, int) or space.passes is not None:
        return ()
    found = levels(epochs, REDUCTION, GRACE)
    return tuple(found[done] for done in sorted(found))


def columns_of(at: Sequence[int]) -> list[str]:
    """Of the accuracies at those levels."""
    return [f"rung{level}_{name}" for level in at for name in ACCURACIES]


def accuracies(rows: pd.DataFrame, at: Sequence[int]) -> Array:
    """(n, 3 a level); NaN for trials that were recorded without rungs."""
    return rows.reindex(columns=columns_of(at)).to_numpy(dtype=np.float64)


def seconds(rows: pd.DataFrame) -> Array:
    """What each trial took without its teacher and without what was done at its rungs. -> (n,)."""
    stages = [name for name in rows if name.startswith("s_") and name != "s_teacher"]
    looks = [name for name in rows if name.startswith("rung") and name.endswith(("_measure_s", "_ask_s"))]
    taken: Array = (rows[stages].fillna(0).sum(axis="columns") - rows[looks].fillna(0).sum(axis="columns")).to_numpy()
    return taken


def clock(rows: pd.DataFrame, at: Sequence[int]) -> tuple[Array, Array]:
    """Seconds until each rung, without the teacher, and seconds of measuring there: (n, levels) each."""
    since = rows.reindex(columns=[f"rung{level}_since_s" for level in at]).to_numpy(dtype=np.float64)
    measure = rows.reindex(columns=[f"rung{level}_measure_s" for level in at]).to_numpy(dtype=np.float64)
    return since - rows["s_teacher"].to_numpy(dtype=np.float64)[:, None], measure


def timed(rows: pd.DataFrame, at: Sequence[int]) -> pd.Series[bool]:
    """Which trials say when they were at every rung. One that went on after an interruption does not: its clock began
    anew."""
    since, measure = clock(rows, at)
    ends = np.column_stack([np.zeros(len(rows)), since, seconds(rows)])
    return pd.Series((np.diff(ends, axis=1) > 0).all(axis=1) & (measure >= 0).all(axis=1), index=rows.index)


def recorded(row: Mapping[str, Any], at: Sequence[int]) -> list[Rung]:
    """The rungs of a trial as it was recorded."""
    return [
        rung(level, int(row[f"rung{level}_{RELU_COUNT.name}"]), np.array([row[name] for name in columns_of([level])]))
        for level in at
    ]


def rung(level: int, relu_count: int, values: Array) -> Rung:
    """One with these accuracies. (3,)."""
    return Rung(level=level, relu_count=relu_count, **dict(zip(ACCURACIES, values.tolist(), strict=True)))
