"""The sampler's memory: one Optuna study, told what the records say and rebuilt from them when it is lost.

Each Optuna trial carries the user attribute `trial`, our number; extra points also carry `point` and `extra`. An
Optuna trial that belongs to no trial of ours is told FAIL, so that no sampler waits for it for ever.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import final

import optuna
import sqlalchemy.exc
from optuna.exceptions import ExperimentalWarning, OptunaError
from optuna.trial import TrialState, create_trial

from frontier import registry
from frontier.driver.parameters import draw, held, names, remembered
from frontier.driver.samplers._draw import Draw
from frontier.driver.seeds import derive
from frontier.results.record import TrialRecord
from frontier.results.spec import Scalar, TrialSpec
from frontier.spaces.goals import Goals
from frontier.spaces.space import Space

DATABASE = "study.db"
STUDY = "frontier"  # the name inside the database
STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


@final
class Memory:
    """Asks the sampler and tells it. With `folder` None nothing is written and nothing outlives the process."""

    def __init__(self, folder: Path | None, space: Space, sampler: str, seed: int) -> None:
        """Opens the database in `folder` or makes one; one that cannot be read is moved aside and `lost` says so."""
        self._folder, self._space, self._goals = folder, space, space.goals
        self._draws, self._names = derive(space.space_hash, seed), names(space)
        self._build = registry.load("sampler", sampler).build
        self._waiting: dict[int, int] = {}  # trials that wait for their result: our number -> Optuna's
        self.lost: str | None = None
        try:
            self._storage, self._study = _open(folder, self._goals)
        except (sqlalchemy.exc.SQLAlchemyError, OptunaError, RuntimeError, LookupError, ValueError) as error:
            self._start_over(f"could not be read ({type(error).__name__})")

    def ask(self, trial: int, budget: int | None = None) -> Iterator[dict[str, Scalar]]:
        """Assignments for trial number `trial`; asking for another one tells FAIL of the one before."""
        with _quiet():
            sampler = self._build(Draw(self._draws, trial, self._names))
            if budget is not None:
                sampler = optuna.samplers.PartialFixedSampler(held(self._space, budget), sampler)
        while True:
            self._study.sampler = sampler
            asked = self._study.ask()
            asked.set_user_attr("trial", trial)
            self._waiting[trial] = asked.number
            yield draw(asked, self._space)
            asked.set_user_attr("repeated", True)
            self.abandon(trial)

    def tell(self, trial: int, record: TrialRecord) -> None:
        """Complete with the asked point's values, pruned or failed; then the extra points, marked as such. Once."""
        if trial not in self._waiting:
            return
        self._study.tell(self._waiting[trial], *self._outcome(record), skip_if_finished=True)
        del self._waiting[trial]
        for point in range(1, len(record.points)):
            self._add_extra(trial, record, point)

    def abandon(self, trial: int) -> None:
        """The open trial will have no record that can be read: FAIL."""
        self._study.tell(self._waiting.pop(trial), state=TrialState.FAIL)

    def reconcile(self, finished: Mapping[int, TrialRecord], unfinished: Mapping[int, TrialSpec]) -> None:
        """Makes the study say what the records say: tells what is untold, adds what is missing, frees what is lost."""
        said = self._said(finished, unfinished)
        for trial, record in finished.items():
            if trial in self._waiting:
                self._study.tell(self._waiting.pop(trial), *self._outcome(record))
            elif (trial, 0) not in said:
                self._add(record.spec, record.spec.relu_budget, *self._outcome(record), trial=trial)
            for point in range(1, len(record.points)):
                if (trial, point) not in said:
                    self._add_extra(trial, record, point)
        for trial, spec in unfinished.items():
            if trial not in self._waiting:
                self._add(spec, spec.relu_budget, None, TrialState.RUNNING, trial=trial)
        for theirs in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._waiting[theirs.user_attrs["trial"]] = theirs.number

    def _said(self, finished: Mapping[int, TrialRecord], unfinished: Mapping[int, TrialSpec]) -> set[tuple[int, int]]:
        """The points (trial, number in it) that the study has been told; it starts over if it was told any other."""
        said: set[tuple[int, int]] = set()
        specs = {trial: record.spec for trial, record in finished.items()} | dict(unfinished)
        for theirs in self._study.get_trials(deepcopy=False):
            trial, point = theirs.user_attrs.get("trial", -1), theirs.user_attrs.get("point", 0)
            ours = trial in specs and (point > 0 or theirs.params == self._params(specs[trial]))
            if theirs.state is TrialState.RUNNING:
                if ours and trial not in self._waiting:
                    self._waiting[trial] = theirs.number
                else:
                    self._study.tell(theirs.number, state=TrialState.FAIL)
            elif ours and trial in finished and (point or theirs.state is self._outcome(finished[trial])[1]):
                said.add((trial, point))
            elif theirs.state is TrialState.COMPLETE:
                self._start_over(f"holds a result of trial {trial} that no record has")
                return set()
        return said

    def close(self) -> None:
        """Lets go of the database file."""
        if isinstance(self._storage, optuna.storages.RDBStorage):
            self._storage.engine.dispose()

    def _params(self, spec: TrialSpec) -> dict[str, Scalar] | None:
        known = remembered(self._space, spec, spec.relu_budget)
        return known[0] if known else None

    def _add_extra(self, trial: int, record: TrialRecord, point: int) -> None:
        extra = record.points[point]
        values = self._goals.told(extra)
        if values is not None:
            self._add(record.spec, extra.relu_budget, values, TrialState.COMPLETE, trial=trial, point=point, extra=True)

    def _add(
        self, spec: TrialSpec, budget: int, values: tuple[float, ...] | None, state: TrialState, **attributes: int
    ) -> None:
        known = remembered(self._space, spec, budget)
        if known is None:  # the sampler could make nothing of a point outside its ranges
            return
        params, distributions = known
        self._study.add_trial(
            create_trial(state=state, values=values, params=params, distributions=distributions, user_attrs=attributes)
        )

    def _outcome(self, record: TrialRecord) -> tuple[tuple[float, ...] | None, TrialState]:
        """Values and state; a complete trial whose point has no price is to the sampler a failed one."""
        if record.state != "complete":
            return None, STATES[record.state]
        values = self._goals.told(record.points[0])
        return values, TrialState.FAIL if values is None else TrialState.COMPLETE

    def _start_over(self, why: str) -> None:
        """Moves the database aside and begins an empty one."""
        assert self._folder is not None, why
        self.lost = f"{DATABASE} {why} and is rebuilt from the records"
        _move_aside(self._folder)
        self._waiting.clear()
        self._storage, self._study = _open(self._folder, self._goals)


def _move_aside(folder: Path) -> None:
    """Renames the database and SQLite's journals, which must not be applied to a new one, to `study.db.old*`."""
    for path in folder.glob(f"{DATABASE}*"):
        if not path.name.startswith(f"{DATABASE}.old"):
            path.replace(path.with_name(path.name.replace(DATABASE, f"{DATABASE}.old", 1)))


def _open(folder: Path | None, goals: Goals) -> tuple[optuna.storages.BaseStorage, optuna.Study]:
    """The study in `folder`, made where it is missing. Raises whatever SQLite and Optuna do for a broken one."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a study of ours is not news
    storage: optuna.storages.BaseStorage = (
        optuna.storages.InMemoryStorage()
        if folder is None
        else optuna.storages.RDBStorage(f"sqlite:///{folder / DATABASE}")
    )
    study = optuna.create_study(
        storage=storage,
        study_name=STUDY,
        directions=[objective.direction for objective in goals.objectives],
        load_if_exists=True,
    )
    with _quiet():
        study.set_metric_names([f"log10_{one.name}" if one.minimized else one.name for one in goals.objectives])
    study.get_trials(deepcopy=False)
    return storage, study


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Optuna marks what we use of it as experimental; the version is pinned, so its user need not hear it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
