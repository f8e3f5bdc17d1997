"""Where a study stands: counts, front and hypervolume, kept in memory as records come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from typing import final

from frontier.driver.events import Counts
from frontier.results.profile import Profile
from frontier.results.record import Point, TrialRecord, address
from frontier.spaces.goals import Goals, whole_network


@final
class Standing:
    """Only the values of non-dominated points are kept, so 10,000 records cost a few hundred rows; front and volume are
    computed when somebody asks, so that catching up with 10,000 records computes them once."""

    def __init__(self, goals: Goals, relus: int) -> None:
        """`relus`: the ReLUs of the whole network, where the hypervolume's axis of the ReLU count ends."""
        self._goals, self._relus = goals, relus
        self._whole: Profile | None = None
        self._states: dict[int, str] = {}
        self._replicates: set[int] = set()
        self._contest: dict[str, tuple[float, ...]] = {}  # the front, and what came in since it was computed
        self._settled = True
        self._volume: float | None = 0.0

    def add(self, trial: int, record: TrialRecord) -> None:
        """A finished trial; complete ones bring all their points to the front's contest, but for replicates, which do
        not count as trials either."""
        if record.spec.replicates is not None:
            self._replicates.add(trial)
            return
        self._states[trial] = record.state
        if record.state != "complete":
            return
        self._whole = self._whole or whole_network(record.points)
        self._contest.update(self._priced(trial, record.points))
        self._settled, self._volume = False, None

    def _front(self) -> dict[str, tuple[float, ...]]:
        if not self._settled:
            names, values = list(self._contest), list(self._contest.values())
            self._contest = {names[i]: values[i] for i in self._goals.front(values)}
            self._settled = True
        return self._contest

    def _priced(self, trial: int, points: Sequence[Point]) -> Iterator[tuple[str, tuple[float, ...]]]:
        """The points that have a value by every objective."""
        for index, point in enumerate(points):
            if (values := self._goals.values(point)) is not None:
                yield address(trial, index), values

    def add_unreadable(self, trial: int, *, replicate: bool) -> None:
        if replicate:
            self._replicates.add(trial)
        else:
            self._states[trial] = "unreadable"

    def __contains__(self, trial: int) -> bool:
        return trial in self._states or trial in self._replicates

    @property
    def trials(self) -> Set[int]:
        """The trials that have ended."""
        return self._states.keys() | self._replicates

    def counts(self, unfinished: int) -> Counts:
        return Counts(**Counter(self._states.values()), unfinished=unfinished)

    def front(self) -> tuple[str, ...]:
        """Addresses of the non-dominated points by the first objective that is minimized."""
        return tuple(self._front())

    def hypervolume(self) -> float:
        if self._volume is None:
            self._volume = self._goals.hypervolume(list(self._front().values()), self._relus, self._whole)
        return self._volume
