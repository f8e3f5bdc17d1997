"""Where a study stands: counts, front and hypervolume, kept in memory as records come in."""

from __future__ import annotations

from collections import Counter
from typing import final

from frontier.driver.events import Counts
from frontier.results import pareto
from frontier.results.objectives import values
from frontier.results.record import TrialRecord, address


@final
class Standing:
    """Only the values of non-dominated points are kept, so 10,000 records cost a few hundred rows."""

    def __init__(self, relus: int) -> None:
        """`relus`: the ReLUs of the whole network, the end of the hypervolume's fourth axis."""
        self._relus = relus
        self._states: dict[int, str] = {}
        self._front: dict[str, tuple[float, ...]] = {}
        self._volume = 0.0

    def add(self, trial: int, record: TrialRecord) -> None:
        """A finished trial; complete ones bring all their points to the front's contest."""
        self._states[trial] = record.state
        if record.state != "complete":
            return
        contest = self._front | {address(trial, k): values(point) for k, point in enumerate(record.points)}
        kept = pareto.front(list(contest.values()))
        names = list(contest)
        self._front = {names[i]: contest[names[i]] for i in kept}
        self._volume = pareto.hypervolume(list(self._front.values()), self._relus)

    def add_unreadable(self, trial: int) -> None:
        self._states[trial] = "unreadable"

    def __contains__(self, trial: int) -> bool:
        return trial in self._states

    def counts(self, unfinished: int) -> Counts:
        return Counts(**Counter(self._states.values()), unfinished=unfinished)

    def front(self) -> tuple[str, ...]:
        """Addresses of the non-dominated points by rising ReLU count."""
        return tuple(self._front)

    def hypervolume(self) -> float:
        return self._volume
