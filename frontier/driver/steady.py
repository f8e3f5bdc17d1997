"""Patience with a database that is away: tried again after growing pauses, and given up after a bounded time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar, final

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from frontier.disk import full_disk, is_full
from frontier.driver import sqlite
from frontier.driver.storage import Storage
from frontier.errors import BlockedError

PATIENCE_S = 300.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
TROUBLE = (StorageInternalError, DBAPIError, PendingRollbackError)

T = TypeVar("T")


@final
class Steady:
    """Carries work over an outage. Once it has given up it stays so: `lost` says why, and is raised at every call."""

    def __init__(
        self,
        storage: Storage | None = None,
        warn: Callable[[str], None] = lambda message: None,
        hurried: Callable[[], bool] = lambda: False,
        folder: Path | None = None,
    ) -> None:
        """Without `storage` there is no outage to carry over, only a full disk, that of `folder`, or a file
        that another program keeps locked, to give up at.
        `hurried`: whether nobody wants to wait any longer."""
        self._storage, self._folder, self._warn, self._hurried = storage, folder, warn, hurried
        self.lost: BlockedError | None = None

    @property
    def patient(self) -> bool:
        """Whether work may be done more than once: an answer of the server may be lost, and not the work."""
        return self._storage is not None

    def __call__(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises BlockedError after PATIENCE_S, or where SQLite has no room or its file is locked,
        and at every later call."""
        if self.lost:
            raise self.lost
        try:
            return work()
        except TROUBLE as error:
            if self._storage is None:
                if is_full(error):  # SQLite takes back what it had begun to write
                    self.lost = full_disk(error, self._folder)
                    raise self.lost from None
                if sqlite.LOCKED in f"{error} {error.__cause__}":
                    self.lost = BlockedError(
                        f"{self._folder}: another program keeps the sampler's memory (study.db) locked\n"
                        "  to do: end that program, then go on with --resume; all that had finished is kept"
                    )
                    raise self.lost from None
                raise
            said = self._storage.says(error)
        self._warn(f"{self._storage} does not answer ({said}); trying again for {PATIENCE_S:g} s")
        for _ in self._pauses():
            with contextlib.suppress(*TROUBLE):
                return work()
        self.lost = BlockedError(
            f"{self._storage} does not answer: {said}\n"
            "  to do: start the server, then go on with --resume; all that had finished is kept"
        )
        raise self.lost

    def _pauses(self) -> Iterator[None]:
        """Comes back after each pause, until it is enough."""
        end, pause_s = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
        while time.monotonic() < end:
            until = min(time.monotonic() + pause_s, end)
            while time.monotonic() < until:
                if self._hurried():
                    return
                time.sleep(min(FIRST_PAUSE_S, max(0.0, until - time.monotonic())))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            yield
