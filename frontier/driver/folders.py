"""What the folders of a study say: which trials are finished, which wait for their record, which cannot be read."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from frontier.driver.claims import Claims
from frontier.errors import RecordError
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import Study


@dataclass(frozen=True)
class Found:
    """Trials by number. `elsewhere` are those that another driver runs, `removed` were never handed out."""

    finished: dict[int, TrialRecord] = field(default_factory=dict)
    unfinished: dict[int, TrialSpec] = field(default_factory=dict)
    unreadable: dict[int, RecordError] = field(default_factory=dict)
    elsewhere: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)

    @property
    def ended(self) -> set[int]:
        """Those of which nothing more is expected."""
        return self.finished.keys() | self.unreadable.keys() | self.removed


def look(study: Study, claims: Claims, others: AbstractSet[str] = frozenset()) -> Found:
    """Reads every trial's folder. One that was claimed but never handed out (no spec, no record) is removed, unless it
    is held by one of the `others`, drivers that live; one that goes away meanwhile is in none of the lists."""
    found = Found()
    for trial in study.trials():
        try:
            if study.finished(trial):
                found.finished[trial] = study.record(trial)
            elif claims.owner(trial) in others:
                found.elsewhere.add(trial)
            elif spec := study.spec(trial):
                found.unfinished[trial] = spec
            elif claims.free(trial):
                found.removed.add(trial)
        except RecordError as error:
            found.unreadable[trial] = error
    return found
