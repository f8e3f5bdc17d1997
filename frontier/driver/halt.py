"""Why a search hands out nothing more; what runs by then may finish."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import final

from frontier.disk import full_disk, is_full
from frontier.driver.steady import Steady
from frontier.errors import BlockedError
from frontier.results.record import State

FAILURES_IN_A_ROW = 10


@final
class Halt:
    """The first reason stays, and is said once."""

    def __init__(self, cancel: Path, steadily: Steady, say: Callable[[str], None]) -> None:
        """A file `cancel` stops the search; so does a memory of the sampler that stays out of `steadily`'s reach."""
        self._cancel, self._steadily, self._say = cancel, steadily, say
        self._failures_in_a_row = 0
        self.told: str | None = None  # the reason, once there was one
        self.refused: BlockedError | None = None  # where there is no room, once there was none

    def now(self, reason: str) -> None:
        if self.told is None:
            self.told = reason
            with self.for_room():
                self._say(reason)

    @contextlib.contextmanager
    def for_room(self) -> Iterator[None]:
        """What the books lack because the disk is full stops the search; a resume writes it."""
        try:
            yield
        except Exception as error:
            if not is_full(error):
                raise
            self.refused = self.refused or full_disk(error, self._cancel.parent)
            self.now(str(self.refused).splitlines()[0])

    def note(self, state: State) -> None:
        """How a trial has ended."""
        self._failures_in_a_row = self._failures_in_a_row + 1 if state == "failed" else 0

    @property
    def too_many_failures(self) -> bool:
        return self._failures_in_a_row >= FAILURES_IN_A_ROW

    def look(self) -> str | None:
        """The reason, after a look at all that may be one."""
        if self.told is None and self._cancel.exists():
            self.now("cancelled")
        if self.told is None and self.too_many_failures:
            self.now(f"{FAILURES_IN_A_ROW} trials failed in a row")
        if self.told is None and self._steadily.lost:
            self.now(str(self._steadily.lost).splitlines()[0])
        return self.told

    def forget_cancel(self) -> None:
        """Removes a file `cancel` of before."""
        self._cancel.unlink(missing_ok=True)
