"""Making the sampler's memory of a study anew: whatever a database has lost, the records have kept."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from frontier.api.search import storage_of
from frontier.driver.claims import Claims
from frontier.driver.database import Database
from frontier.driver.folders import Found, look
from frontier.driver.lock import driving, sharing
from frontier.driver.memory import Memory
from frontier.driver.presence import living
from frontier.driver.steady import Steady
from frontier.driver.warm import remember
from frontier.errors import InputError, RecordError
from frontier.mirror import home_at
from frontier.results.store import Study
from frontier.shelves import DEFAULT_HOME
from frontier.spaces.space import Space


@dataclass(frozen=True)
class Rebuilt:
    """What was found, and what the new memory holds. `before`: trials and extra points that the old one held, None
    where there was none; `became`: where it is now."""

    study: str
    memory: str
    counts: dict[str, int]
    unreadable: tuple[int, ...]
    trials: int
    extras: int
    before: tuple[int, int] | None
    became: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def rebuild(name: str, *, home: Path | str = DEFAULT_HOME, storage: str | None = None) -> Rebuilt:
    """Makes the study's memory anew in SQLite in its folder, or in the PostgreSQL database at the URL `storage`.

    Raises InputError if there is no such study or a driver works on it, BlockedError if the database does not answer.
    """
    server = storage_of(storage, home)
    study = Study.open(home_at(home), name)
    place, steadily = Database.of(study.folder, study.manifest(), server), Steady(server)
    with ExitStack() as stack:
        if server is None:
            stack.enter_context(driving(study.folder))
        else:
            presence = stack.enter_context(sharing(study.folder))
            steadily(lambda: stack.enter_context(place.alone()))
            _refuse_beside(living(study.folder) - {presence.name}, study)
        return _rebuilt(stack, study, place, steadily)


def _refuse_beside(drivers: Collection[str], study: Study) -> None:
    if drivers:
        raise InputError(
            f"drivers are working on this study: {', '.join(sorted(drivers))}",
            where=str(study.folder),
            fix="wait for them, or stop them (frontier cancel)",
        )


def _rebuilt(stack: ExitStack, study: Study, database: Database, steadily: Steady) -> Rebuilt:
    about = study.manifest()
    space = Space.model_validate(about.space)
    if space.space_hash != about.space_hash:
        raise RecordError("the question in it is not the one of its hash", where=str(study.folder / "study.json"))
    memory = Memory(database, space, about.sampler, about.seed, steadily)
    stack.callback(memory.close)
    before = memory.sizes()
    became = memory.forget() if any(before) else ""
    found = look(study, Claims(study, total=0, presence=None))
    memory.reconcile(found.finished, found.unfinished)
    memory.learn(remember(study))
    trials, extras = memory.sizes()
    return Rebuilt(
        study=study.name,
        memory=str(database),
        counts=_counts(found),
        unreadable=tuple(sorted(found.unreadable)),
        trials=trials,
        extras=extras,
        before=before if any(before) else None,
        became=became,
    )


def _counts(found: Found) -> dict[str, int]:
    """Trials by state, in the words of events.Counts."""
    counts = dict.fromkeys(("complete", "pruned", "failed"), 0)
    for record in found.finished.values():
        counts[record.state] += record.spec.replicates is None
    unfinished = sum(spec.replicates is None for spec in found.unfinished.values())
    return counts | {"unfinished": unfinished, "unreadable": len(found.unreadable)}
