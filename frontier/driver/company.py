"""What the other drivers on a study do: what they have finished, what they hold, and what a dead one left to us."""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import final

from frontier.driver.ahead import Sampling
from frontier.driver.claims import Claims, sweep
from frontier.driver.folders import Found, look
from frontier.driver.memory import Memory
from frontier.driver.presence import Presence, bury, lives, living, remains
from frontier.errors import RecordError
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import Study

LOOK_S = 2.0


@dataclass(frozen=True)
class News:
    """What has happened since the last look, trials by number.

    `asked` were handed out by others. `unfinished` and `unasked` are ours now: the latter have no specification yet.
    """

    finished: dict[int, TrialRecord] = field(default_factory=dict)
    unreadable: dict[int, RecordError] = field(default_factory=dict)
    asked: dict[int, TrialSpec] = field(default_factory=dict)
    unfinished: dict[int, TrialSpec] = field(default_factory=dict)
    unasked: list[int] = field(default_factory=list)


@final
class Company:
    """The other drivers, as their files show them. Without `presence` there are none."""

    def __init__(self, study: Study, claims: Claims, presence: Presence | None) -> None:
        self._study, self._claims, self._presence = study, claims, presence
        self._seen: set[int] = set()  # trials of others whose specification has been read
        self._looked = time.monotonic()
        self.elsewhere: set[int] = set()  # trials that others hold and have not finished

    def begin(self, opened: Callable[[], Memory]) -> tuple[Found, Memory]:
        """Reads all folders, and has the sampler's memory say the same. What dead drivers have left is ours now.

        While no other driver does the same. Those that live are at work all the time: whose a trial is, is asked of
        each when it is looked at.
        """
        others = self.present()
        found = look(self._study, self._claims, others)
        self.elsewhere.update(found.elsewhere)
        for trial in [trial for trial in found.unfinished if not self._claims.take_over(trial)]:
            del found.unfinished[trial]
            self.elsewhere.add(trial)
        memory = opened()
        if others:
            ours = {trial for trial in found.ended if self._claims.owner(trial) not in others}
            finished = {trial: record for trial, record in found.finished.items() if trial in ours}
            memory.reconcile(finished, found.unfinished, ours | found.unfinished.keys())
        else:
            memory.reconcile(found.finished, found.unfinished)
        self._bury(remains(self._study.folder) - others)
        return found, memory

    def present(self) -> frozenset[str]:
        """Names of the other drivers that live."""
        return frozenset() if self._presence is None else living(self._study.folder) - {self._presence.name}

    def claim(self) -> int | None:
        """As Claims.claim. A number that another driver has given back is held elsewhere no longer."""
        trial = self._claims.claim()
        self.elsewhere -= {trial}
        return trial

    def release(self, trial: int) -> None:
        """As Claims.release."""
        self._claims.release(trial)

    def due(self) -> bool:
        """Whether there may be something new: the folders are not looked at all the time."""
        return self._presence is not None and time.monotonic() - self._looked >= LOOK_S

    def pause(self) -> None:
        """Until there may be something new."""
        time.sleep(LOOK_S)

    def news(self, known: Container[int], memory: Sampling, alone: Callable[[], AbstractContextManager[None]]) -> News:
        """Looks at the folders of all trials but the `known` ones, and takes over what a dead driver has left."""
        self._looked = time.monotonic()
        news, trials = News(), self._study.trials()
        self.elsewhere.intersection_update(trials)  # a number may have been given back
        for trial in trials:
            if trial not in known:
                self._look_at(trial, news)
        if dead := self._dead():
            with alone():
                self._take_over({name for name in dead if not self._lives(name)}, memory, news)
        return news

    def _look_at(self, trial: int, news: News) -> None:
        try:
            if self._study.finished(trial):
                self.elsewhere.discard(trial)
                news.finished[trial] = self._study.record(trial)
                return
            self.elsewhere.add(trial)
            if trial not in self._seen and (spec := self._study.spec(trial)):
                self._seen.add(trial)
                news.asked[trial] = spec
        except RecordError as error:
            self.elsewhere.discard(trial)
            news.unreadable[trial] = error

    def _dead(self) -> set[str]:
        """Drivers that have left something; "" stands for one that worked alone and left no name."""
        holders = {self._claims.owner(trial) or "" for trial in self.elsewhere}
        return {name for name in holders if not self._lives(name)} | remains(self._study.folder)

    def _lives(self, name: str) -> bool:
        return bool(name) and lives(self._study.folder, name)

    def _take_over(self, dead: set[str], memory: Sampling, news: News) -> None:
        """While no other driver does the same. What a dead one finished is told, what it held is ours."""
        finished: dict[int, TrialRecord] = {}
        left = {trial for trial in self._study.trials() if (self._claims.owner(trial) or "") in dead}
        for trial in sorted(left):
            try:
                if self._study.finished(trial):
                    finished[trial] = self._study.record(trial)
                elif self._claims.take_over(trial):
                    self.elsewhere.discard(trial)
                    if spec := self._study.spec(trial):
                        news.unfinished[trial] = spec
                    elif self._study.is_replicate(trial):  # of which trial nobody knows; a resume plans it again
                        self._claims.release(trial)
                    else:
                        news.unasked.append(trial)
            except RecordError as error:
                news.unreadable[trial] = error
        memory.reconcile(finished, news.unfinished, left)
        if not self.present():
            memory.free_strays()
        self._bury(dead - {""})

    def _bury(self, dead: AbstractSet[str]) -> None:
        """Nothing is left to be taken over from these."""
        for name in dead:
            bury(self._study.folder, name)
            sweep(self._study, name)
