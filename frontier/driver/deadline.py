"""A trial's deadline, held even by one that never looks at the clock.

A trial looks at its deadline once an epoch and at every stage, and ends itself, FAILED (trial.workspace). One that has
not done so a moment later is ended: in the main thread by an exception, in a worker together with the worker's process,
whose next attempt then finds the record.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

from frontier.driver.clock import alarm, timer
from frontier.errors import Cancelled

MOMENT_S = 5.0  # for a trial to end itself

Fail = Callable[[str], object]  # writes the FAILED record of the trial with a reason, unless it has a record


@contextlib.contextmanager
def in_main_thread(deadline_s: float | None, fail: Fail) -> Iterator[None]:
    """Raises Cancelled when the trial is overdue. In a thread that signals do not reach, nothing."""
    if deadline_s is None:
        yield
        return

    def overdue() -> None:
        raise Cancelled.late(deadline_s)

    with alarm(deadline_s + MOMENT_S, overdue):
        yield


@contextlib.contextmanager
def in_worker(deadline_s: float | None, fail: Fail) -> Iterator[None]:
    """Writes the record and ends the process when the trial is overdue."""
    if deadline_s is None:
        yield
        return
    ending, ended = threading.Lock(), threading.Event()

    def overdue() -> None:
        with ending:
            if not ended.is_set():
                try:
                    fail(str(Cancelled.late(deadline_s)))
                finally:  # a full disk takes no record
                    os._exit(1)

    with timer(deadline_s + MOMENT_S, overdue):
        try:
            yield
        finally:
            with ending:  # or the process ends while its next trial runs
                ended.set()
