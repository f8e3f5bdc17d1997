"""The sampler's memory: one Optuna study, told what the records say and rebuilt from them when it is lost.

Each Optuna trial carries the user attribute `trial`, our number; extra points also carry `point` and `extra`. Points of
other studies, from a warm start, carry `from` alone. An Optuna trial that belongs to no trial of ours is told FAIL, so
that no sampler waits for it for ever.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import partial
from typing import final

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study._constrained_optimization import _CONSTRAINTS_KEY
from optuna.trial import TrialState, create_trial

from frontier import registry
from frontier.driver.database import BROKEN, Database, close, quiet
from frontier.driver.parameters import draw, held, known, names, remembered
from frontier.driver.samplers._draw import Draw
from frontier.driver.seeds import derive
from frontier.driver.steady import Steady
from frontier.driver.warm import Elsewhere
from frontier.errors import BlockedError
from frontier.results.record import Point, TrialRecord
from frontier.results.spec import Scalar, TrialSpec
from frontier.spaces.space import Space

FROM = "from"  # user attribute of a point of another study: its address
STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


@final
class Memory:
    """Asks the sampler and tells it. Drivers that share one ask and tell for the trials that they hold, and no other.

    A database that is away is waited for (Steady); when it is gone for good `ask` raises BlockedError and nothing is
    told any more: the records know it all, and `reconcile` tells it when the study is resumed.
    """

    def __init__(
        self, database: Database | None, space: Space, sampler: str, seed: int, steadily: Steady | None = None
    ) -> None:
        """Opens the database or makes one; a file that cannot be read is moved aside and `lost` says so. Without a
        database nothing outlives the process."""
        self._database, self._space, self._goals = database or Database(), space, space.goals
        self._limits, self._steadily = space.limits, steadily or Steady()
        self._draws, self._names = derive(space.space_hash, seed), names(space)
        self._build = registry.load("sampler", sampler).build
        self._waiting: dict[int, int] = {}  # trials that wait for their result: our number -> Optuna's
        self.lost: str | None = None
        try:
            self._storage, self._study = self._database.open(self._goals)
        except BROKEN as error:
            self._start_over(f"could not be read ({type(error).__name__})")

    def ask(
        self, trial: int, fixed: Mapping[str, Scalar] | None = None, *, draws: int = 1
    ) -> Iterator[dict[str, Scalar]]:
        """Up to so many assignments for trial number `trial`, with the values that are `fixed` by a parameter's name in
        the space; going on to another one, or to the end, tells FAIL of the one before."""
        with quiet():
            sampler = self._build(Draw(self._draws, trial, self._names))
            if fixed:
                sampler = optuna.samplers.PartialFixedSampler(held(self._space, fixed), sampler)
        for _ in range(draws):
            sampler, asked, assignment = self._steadily(partial(self._asked, trial, sampler))
            yield assignment
            self._steadily(partial(asked.set_user_attr, "repeated", True))
            self.abandon(trial)

    def _asked(
        self, trial: int, sampler: optuna.samplers.BaseSampler
    ) -> tuple[optuna.samplers.BaseSampler, optuna.Trial, dict[str, Scalar]]:
        """The sampler as it stands afterwards, Optuna's trial, and what was drawn. An ask that an outage cuts short is
        made again with `sampler` as it was, so that it draws the same."""
        if trial in self._waiting:
            self._study.tell(self._waiting.pop(trial), state=TrialState.FAIL, skip_if_finished=True)
        self._study.sampler = copy.deepcopy(sampler) if self._steadily.patient else sampler
        asked = self._study.ask()
        self._waiting[trial] = asked.number
        asked.set_user_attr("trial", trial)
        return self._study.sampler, asked, draw(asked, self._space)

    def adopt(self, trial: int, spec: TrialSpec) -> None:
        """A trial that the sampler was not asked for runs."""
        self._steadily(partial(self._adopted, trial, spec))

    def _adopted(self, trial: int, spec: TrialSpec) -> None:
        if (number := self._running(trial)) is None:
            self._add(spec, spec.relu_budget, None, TrialState.RUNNING, None, trial=trial)
            number = self._running(trial)
        assert number is not None, f"trial {trial} lies outside the space"
        self._waiting[trial] = number

    def _running(self, trial: int) -> int | None:
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return next((theirs.number for theirs in running if theirs.user_attrs.get("trial") == trial), None)

    def asked_elsewhere(self, trial: int) -> bool:
        """Whether another driver has asked what this open trial asks. Of those that ask the same at once, the first in
        the database keeps it: each writes down what it asks before it looks."""
        if self._database.storage is None:
            return False
        return self._steadily(partial(self._asked_elsewhere, trial, self._waiting[trial]))

    def _asked_elsewhere(self, trial: int, number: int) -> bool:
        there = {theirs.number: theirs for theirs in self._study.get_trials(deepcopy=False)}
        return any(
            theirs.number < number
            and theirs.params == there[number].params
            and theirs.state is not TrialState.FAIL
            and theirs.user_attrs.get("trial", trial) != trial
            and not theirs.user_attrs.get("extra")
            for theirs in there.values()
        )

    def tell(self, trial: int, record: TrialRecord) -> None:
        """Complete with the asked point's values, pruned or failed; then the extra points, marked as such. Once."""
        if trial not in self._waiting:
            return
        number, again = self._waiting.pop(trial), False

        def told() -> None:
            nonlocal again
            said = self._points_of(trial) if again else set()
            again = True
            self._constrain(number, record)
            self._study.tell(number, *self._outcome(record), skip_if_finished=True)
            for point in range(1, len(record.points)):
                if point not in said:
                    self._add_extra(trial, record, point)

        with contextlib.suppress(BlockedError):
            self._steadily(told)

    def abandon(self, trial: int) -> None:
        """The open trial will have no record that can be read: FAIL. Replicates were never open here."""
        if trial not in self._waiting:
            return
        number = self._waiting.pop(trial)
        with contextlib.suppress(BlockedError):
            self._steadily(lambda: self._study.tell(number, state=TrialState.FAIL, skip_if_finished=True))

    def let_go(self, trial: int) -> None:
        """Another driver holds this trial now, and tells of it."""
        self._waiting.pop(trial, None)

    def reconcile(
        self,
        finished: Mapping[int, TrialRecord],
        unfinished: Mapping[int, TrialSpec],
        ours: Container[int] | None = None,
    ) -> None:
        """Makes the study say what the records say: tells what is untold, adds what is missing, frees what is lost.

        `ours`: the numbers to speak for, None where no other driver is there; what is said of others is left as it is.
        Replicates are nothing to the sampler.
        """
        finished = {trial: record for trial, record in finished.items() if record.spec.replicates is None}
        unfinished = {trial: spec for trial, spec in unfinished.items() if spec.replicates is None}
        self._steadily(lambda: self._reconcile(finished, unfinished, ours))

    def _reconcile(
        self, finished: Mapping[int, TrialRecord], unfinished: Mapping[int, TrialSpec], ours: Container[int] | None
    ) -> None:
        said = self._said(finished, unfinished, ours)
        for trial, record in finished.items():
            if trial in self._waiting:
                self._constrain(self._waiting[trial], record)
                self._study.tell(self._waiting.pop(trial), *self._outcome(record), skip_if_finished=True)
            elif (trial, 0) not in said:
                asked = record.points[0] if record.state == "complete" else None
                self._add(record.spec, record.spec.relu_budget, *self._outcome(record), asked, trial=trial)
            for point in range(1, len(record.points)):
                if (trial, point) not in said:
                    self._add_extra(trial, record, point)
        for trial, spec in unfinished.items():
            if trial not in self._waiting:
                self._add(spec, spec.relu_budget, None, TrialState.RUNNING, None, trial=trial)
        for theirs in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if (trial := theirs.user_attrs.get("trial", -1)) in unfinished:
                self._waiting[trial] = theirs.number

    def _said(
        self, finished: Mapping[int, TrialRecord], unfinished: Mapping[int, TrialSpec], ours: Container[int] | None
    ) -> set[tuple[int, int]]:
        """The points (trial, number in it) that the study has been told; it starts over if it was told any other and
        no other driver is there."""
        said: set[tuple[int, int]] = set()
        specs = {trial: record.spec for trial, record in finished.items()} | dict(unfinished)
        for theirs in self._study.get_trials(deepcopy=False):
            trial, point = theirs.user_attrs.get("trial", -1), theirs.user_attrs.get("point", 0)
            if FROM in theirs.user_attrs or (ours is not None and trial not in ours):
                continue
            known = trial in specs and (point > 0 or theirs.params == self._params(specs[trial]))
            if theirs.state is TrialState.RUNNING:
                if not known or self._waiting.setdefault(trial, theirs.number) != theirs.number:
                    self._study.tell(theirs.number, state=TrialState.FAIL)
            elif known and trial in finished and (point or theirs.state is self._outcome(finished[trial])[1]):
                said.add((trial, point))
            elif theirs.state is TrialState.COMPLETE and ours is None:
                self._start_over(f"holds a result of trial {trial} that no record has")
                return set()
        return said

    def free_strays(self) -> None:
        """FAIL for the open Optuna trials that are none of ours; when no other driver is there."""
        with contextlib.suppress(BlockedError):
            self._steadily(self._free_strays)

    def _free_strays(self) -> None:
        ours = set(self._waiting.values())
        for theirs in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if theirs.number not in ours:
                self._study.tell(theirs.number, state=TrialState.FAIL)

    def forget(self) -> str:
        """Begins an empty study; says what became of the old one."""
        close(self._storage)
        became = self._database.put_aside()
        self._waiting.clear()
        self._storage, self._study = self._database.open(self._goals)
        return became

    def sizes(self) -> tuple[int, int]:
        """How many trials the study holds, and how many extra points."""
        told = [theirs for theirs in self._study.get_trials(deepcopy=False) if FROM not in theirs.user_attrs]
        extras = [bool(theirs.user_attrs.get("extra")) for theirs in told]
        return extras.count(False), extras.count(True)

    def learn(self, points: Sequence[Elsewhere]) -> None:
        """Adds those points of other studies that the study does not hold yet, each marked with where it is from."""
        self._steadily(lambda: self._learn(points))

    def _learn(self, points: Sequence[Elsewhere]) -> None:
        there = {theirs.user_attrs.get(FROM) for theirs in self._study.get_trials(deepcopy=False)} if points else set()
        for point in points:
            if point.source not in there:
                params, distributions = known(self._space, point.values)
                self._study.add_trial(
                    create_trial(
                        values=point.told,
                        params=params,
                        distributions=distributions,
                        user_attrs={FROM: point.source},
                        constraints=point.violations,
                    )
                )

    def close(self) -> None:
        """Lets go of the database."""
        close(self._storage)

    def _points_of(self, trial: int) -> set[int]:
        """The points of a trial that the study holds."""
        there = self._study.get_trials(deepcopy=False)
        return {theirs.user_attrs.get("point", 0) for theirs in there if theirs.user_attrs.get("trial") == trial}

    def _params(self, spec: TrialSpec) -> dict[str, Scalar] | None:
        found = remembered(self._space, spec, spec.relu_budget)
        return found[0] if found else None

    def _add_extra(self, trial: int, record: TrialRecord, point: int) -> None:
        extra = record.points[point]
        values = self._goals.told(extra)
        if values is not None:
            told = (record.spec, extra.relu_budget, values, TrialState.COMPLETE, extra)
            self._add(*told, trial=trial, point=point, extra=True)

    def _add(
        self,
        spec: TrialSpec,
        budget: int,
        values: tuple[float, ...] | None,
        state: TrialState,
        measured: Point | None,
        **attributes: int,
    ) -> None:
        found = remembered(self._space, spec, budget)
        if found is None:  # the sampler could make nothing of a point outside its ranges
            return
        params, distributions = found
        self._study.add_trial(
            create_trial(
                state=state,
                values=values,
                params=params,
                distributions=distributions,
                user_attrs=attributes,
                constraints=self._violations(measured) if measured else None,
            )
        )

    def _violations(self, point: Point) -> dict[str, float]:
        return {limit.text: limit.violation(point) for limit in self._limits}

    def _constrain(self, number: int, record: TrialRecord) -> None:
        """Says how far the asked point of a trial that still runs is from each constraint. Optuna has a method for it
        on the trial that it handed out alone, and that is gone after a resume."""
        if record.state != "complete" or not self._limits:
            return
        theirs = self._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        with contextlib.suppress(UpdateFinishedTrialError):
            for name, value in self._violations(record.points[0]).items():
                self._storage.set_trial_system_attr(theirs, f"{_CONSTRAINTS_KEY}:{name}", value)

    def _outcome(self, record: TrialRecord) -> tuple[tuple[float, ...] | None, TrialState]:
        """Values and state; a complete trial whose point has no price is to the sampler a failed one."""
        if record.state != "complete":
            return None, STATES[record.state]
        values = self._goals.told(record.points[0])
        return values, TrialState.FAIL if values is None else TrialState.COMPLETE

    def _start_over(self, why: str) -> None:
        """Makes room for an empty study and begins it."""
        self.lost = f"{self._database} {why} and is rebuilt from the records"
        self._database.put_aside()  # a broken one cannot be closed
        self._waiting.clear()
        self._storage, self._study = self._database.open(self._goals)
