"""How a search is stopped from outside: Ctrl-C, SIGTERM and the study's deadline hand out nothing more.

Running trials may then finish: after Ctrl-C for as long as they take, after SIGTERM and the deadline for a grace
period, at whose end they are stopped, to go on from their checkpoints. A second Ctrl-C or SIGTERM stops them at once.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import final

from frontier.driver.clock import alarm, clock, timer
from frontier.driver.study import Search

GRACE_S = 30.0  # of the 30 to 120 seconds between the warning and the end of a spot machine


@dataclass(frozen=True)
class Limits:
    """`deadline_s`: after so many seconds of this command nothing more is handed out; `spent_s` of them had passed when
    this driver began. `grace_s`: how long running trials may go on after that, and after SIGTERM."""

    deadline_s: float | None = None
    grace_s: float = GRACE_S
    spent_s: float = 0.0


@contextlib.contextmanager
def stopping(search: Search, limits: Limits) -> Iterator[Stop]:
    """While this lasts the search can be stopped, and between `begin` and `end` its trials too."""
    with contextlib.ExitStack() as stack:
        stop = Stop(search, limits, stack)
        if threading.current_thread() is threading.main_thread():
            stack.enter_context(clock())
            for number in (signal.SIGINT, signal.SIGTERM):
                stack.callback(signal.signal, number, signal.signal(number, stop.press))
        yield stop


@final
class Stop:
    """The answers to what may come, in the main thread; signals reach no other one. In another thread a deadline hands
    out nothing more, and stops no trial."""

    def __init__(self, search: Search, limits: Limits, stack: contextlib.ExitStack) -> None:
        self._search, self._limits, self._stack = search, limits, stack
        self._running = False  # whether trials can be stopped: else what has finished is being told
        self._softly = self._graceful = False  # whether there was a Ctrl-C, and whether the grace period runs

    def begin(self) -> None:
        """From here on stopping trials is a KeyboardInterrupt in the main thread, and the deadline counts."""
        self._running = True
        if self._limits.deadline_s is not None:
            here = threading.current_thread() is threading.main_thread()
            left_s = max(0.0, self._limits.deadline_s - self._limits.spent_s)
            self._stack.enter_context((alarm if here else timer)(left_s, self.late))

    def end(self) -> None:
        """Nothing is interrupted any more."""
        self._running = False

    def press(self, number: int, frame: FrameType | None) -> None:
        """SIGINT or SIGTERM."""
        if number == signal.SIGTERM and not self._graceful:
            self._soon("terminated")
        elif self._softly or self._graceful:
            self._now()
        else:
            self._softly = True
            self._search.stop("interrupted")

    def late(self) -> None:
        """The study's deadline has passed."""
        if not self._graceful:
            self._soon(f"the deadline of {(self._limits.deadline_s or 0) / 3600:g} h has passed")

    def _soon(self, why: str) -> None:
        self._graceful = True
        self._search.stop(why)
        self._stack.enter_context(alarm(self._limits.grace_s, self._now))

    def _now(self) -> None:
        if self._running:
            self._search.interrupt()
