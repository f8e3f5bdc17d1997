"""Why a search hands out nothing more; what runs by then may finish."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import final

from frontier.driver.steady import Steady
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

    def now(self, reason: str) -> None:
        if self.told is None:
            self.told = reason
            self._say(reason)

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
            self.now("the sampler's memory is out of reach")
        return self.told

    def forget_cancel(self) -> None:
        """Removes a file `cancel` of before."""
        self._cancel.unlink(missing_ok=True)
