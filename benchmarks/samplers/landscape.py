"""A model of a recorded table: parameters -> four objectives, by cross-validation; seed noise; how long a trial takes.

Each method has models of its own, one an objective, and one an accuracy at each rung where trials were recorded with
rungs; the ReLU count is modelled as its logarithm less that of the budget. The noise of a trial is a difference that
was seen between two seeds at about that budget, over sqrt(2), of all objectives and all rungs together; its seconds
are those of the nearest recorded trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import climbs
import numpy as np
import pandas as pd
from climbs import Climb
from columns import Array, bounded, coordinates, log_budget, targets
from fitting import FOLDS, Fit, fitted
from table import Table

from frontier.driver.parameters import METHOD
from frontier.errors import InputError
from frontier.results.objectives import ACCURACIES, RELU_COUNT
from frontier.results.rung import Rung
from frontier.spaces.goals import FOUR
from frontier.spaces.space import Space

TARGETS = (*ACCURACIES, RELU_COUNT.name)
NEIGHBOURS = 20  # pairs of seeds at the nearest budgets, of which one is a trial's noise
FEWEST_PAIRS = 5


@dataclass(frozen=True)
class Landscape:
    """What the recorded trials say of all others. Values are told ones: accuracies, and log10 of the ReLU count.
    `levels`: those of a trial's rungs, as it comes to them; none where too few trials were recorded with them."""

    space: Space
    fits: tuple[Fit, ...]
    pairs: int
    models: Mapping[str, Sequence[Any]]
    recorded: Mapping[str, tuple[Array, Array]]  # by method: coordinates and seconds
    noises: Array  # (pairs, 4 and 3 a rung)
    noise_budgets: Array  # log10(budget + 1) of each pair
    levels: tuple[int, ...]
    climbs: Mapping[str, Climb]  # by method

    def exact(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Without noise. Rows of Optuna's parameters -> (n, 4)."""
        found = np.empty((len(rows), len(TARGETS)))
        methods = np.array([row[METHOD] for row in rows])
        for method in dict.fromkeys(methods.tolist()):
            at = np.flatnonzero(methods == method)
            frame = pd.DataFrame([rows[i] for i in at])
            places = coordinates(self.space, method, frame)
            columns = [model.predict(places) for model in self.models[method]]
            columns[-1] = columns[-1] + log_budget(self.space, frame)
            found[at] = np.column_stack(columns)
        return bounded(found)

    def luck(self, row: Mapping[str, Any], rng: np.random.Generator) -> Array:
        """What some seed would have added to one trial: (4 and 3 a rung,), all of one pair of repetitions."""
        away = np.abs(self.noise_budgets - log_budget(self.space, pd.DataFrame([row]))[0])
        near = np.argsort(away, kind="stable")[:NEIGHBOURS]
        return self.noises[rng.choice(near)] * rng.choice((-1.0, 1.0))

    def noisy(self, exact: Array, row: Mapping[str, Any], rng: np.random.Generator) -> Array:
        """One trial's values as some seed would have measured them. (4,) -> (4,)."""
        return lucky(exact, self.luck(row, rng))

    def rungs(self, row: Mapping[str, Any], luck: Array, relu_count: int) -> list[Rung]:
        """How the trial stands at each rung, with the same luck as at its end."""
        places = coordinates(self.space, row[METHOD], pd.DataFrame([row]))
        exact = self.climbs[row[METHOD]].exact(places)[0]
        values = np.clip(exact + luck[len(TARGETS) :].reshape(exact.shape), 0, 1)
        return [climbs.rung(level, relu_count, found) for level, found in zip(self.levels, values, strict=True)]

    def seconds(self, row: Mapping[str, Any]) -> float:
        """Of the nearest recorded trial of the method; nothing is measured at rungs."""
        return float(self.recorded[row[METHOD]][1][self._nearest(row)])

    def looks(self, row: Mapping[str, Any]) -> list[tuple[float, float]]:
        """Of the same trial, at each rung: seconds until it is reached without looks at any, seconds of the look."""
        climb, at = self.climbs[row[METHOD]], self._nearest(row)
        return list(zip(climb.since[at].tolist(), climb.measure[at].tolist(), strict=True))

    def _nearest(self, row: Mapping[str, Any]) -> int:
        places = self.recorded[row[METHOD]][0]
        here = coordinates(self.space, row[METHOD], pd.DataFrame([row]))
        return int(((places - here) ** 2).sum(axis=1).argmin())


def lucky(exact: Array, luck: Array) -> Array:
    """Values with their luck. (4,), (4 or more,) -> (4,)."""
    return bounded((exact + luck[: len(TARGETS)])[None])[0]


def landscape_of(table: Table, space: Space) -> Landscape:
    """Raises InputError where too few trials were recorded to say anything, and for prices as objectives."""
    if space.goals != FOUR:
        raise InputError("not the four usual objectives", expected=", ".join(TARGETS), got=", ".join(space.goals.names))
    rows = table.complete
    levels = _climbed(rows, space)
    pairs, budgets = _pairs(rows, space, levels)
    if len(pairs) < FEWEST_PAIRS:
        raise InputError(
            "too few trials were run under two seeds to know the noise",
            expected=f"at least {FEWEST_PAIRS}",
            got=len(pairs),
            fix="record more",
        )
    noise = np.sqrt((pairs**2).mean(axis=0)).tolist()
    names = [*TARGETS, *(f"{name} at rung {level}" for level in levels for name in ACCURACIES)]
    fits: list[Fit] = []
    models, recorded, climbing = {}, {}, {}
    for method in space.method_names:
        mine = rows[rows[METHOD] == method].reset_index(drop=True)
        if mine.draw.nunique() < 2 * FOLDS:
            what = f"too few recorded trials of the method '{method}'"
            raise InputError(what, expected=f"at least {2 * FOLDS}", got=mine.draw.nunique(), fix="record more")
        values = np.column_stack([targets(mine, space), climbs.accuracies(mine, levels)])
        found = []
        for at, name in enumerate(names):
            there = ~np.isnan(values[:, at])
            places, draws = coordinates(space, method, mine[there]), mine.draw[there].to_numpy()
            fit, model = fitted(places, values[there, at], draws, method=method, objective=name, noise=noise[at])
            fits.append(fit)
            found.append(model)
        clocked = mine[climbs.timed(mine, levels)] if levels else mine
        models[method] = found[: len(TARGETS)]
        recorded[method] = (coordinates(space, method, clocked), climbs.seconds(clocked))
        if levels:
            climbing[method] = Climb(found[len(TARGETS) :], *climbs.clock(clocked, levels))
    return Landscape(space, tuple(fits), len(pairs), models, recorded, pairs, budgets, levels, climbing)


def _climbed(rows: pd.DataFrame, space: Space) -> tuple[int, ...]:
    """The levels of the space's rungs, if enough trials of every method and enough repetitions were recorded there."""
    levels = climbs.levels_of(space)
    whole = rows[~np.isnan(climbs.accuracies(rows, levels)).any(axis=1)] if levels else rows[:0]
    timed = whole[climbs.timed(whole, levels)]
    draws = [timed[timed[METHOD] == method].draw.nunique() for method in space.method_names]
    enough = min(draws) >= 2 * FOLDS and len(_pairs(whole, space, ())[0]) >= FEWEST_PAIRS
    return levels if enough else ()


def _pairs(rows: pd.DataFrame, space: Space, levels: Sequence[int]) -> tuple[Array, Array]:
    """Differences of two seeds over sqrt(2), (pairs, 4 and 3 a rung), and the logarithm of their budget. Pairs without
    those rungs are left out."""
    values = np.column_stack([targets(rows, space), climbs.accuracies(rows, levels)])
    budgets = log_budget(space, rows)
    found, at = [], []
    for same in rows.groupby("draw").indices.values():
        for first, second in pairwise(same):
            away = (values[second] - values[first]) / np.sqrt(2)
            if not np.isnan(away).any():
                found.append(away)
                at.append(budgets[first])
    return np.array(found).reshape(-1, values.shape[1]), np.array(at)
