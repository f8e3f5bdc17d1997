"""What is to be done in the main thread at a given time, whatever that thread is doing then; by SIGALRM.

A sleep or a wait of the main thread is broken off, a running call into a library is not: its turn comes when that
returns. Signals reach the main thread only, so in any other one an alarm does nothing. No thread is started, so that an
alarm can be set out of a signal's handler.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

LONGEST_S = 1e8  # three years; the system's timer takes no more than it can count
SHORTEST_S = 1e-3  # 0 would stop it


@dataclass(frozen=True, eq=False)
class _Alarm:
    at: float  # of the monotonic clock
    then: Callable[[], None]


_set: list[_Alarm] = []


@contextlib.contextmanager
def clock() -> Iterator[None]:
    """While this lasts alarms ring; the process's own handler of SIGALRM comes back afterwards. In the main thread."""
    before = signal.signal(signal.SIGALRM, _ring)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def alarm(seconds: float, then: Callable[[], None]) -> Iterator[None]:
    """Calls `then` in the main thread after so many seconds, unless this was left before; it may raise."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGALRM) is not _ring:
        yield
        return
    one = _Alarm(time.monotonic() + min(seconds, LONGEST_S), then)
    _set.append(one)
    try:
        _wind()
        yield
    finally:
        _unset(one)


@contextlib.contextmanager
def timer(seconds: float, then: Callable[[], None]) -> Iterator[None]:
    """Calls `then` in a thread of its own after so many seconds, unless this was left before."""
    started = threading.Timer(min(seconds, LONGEST_S), then)
    started.daemon = True
    started.start()
    try:
        yield
    finally:
        started.cancel()


def _ring(number: int, frame: FrameType | None) -> None:
    try:
        now = time.monotonic()
        for one in [one for one in _set if one.at <= now]:
            _unset(one)
            one.then()
    finally:
        _wind()


def _unset(one: _Alarm) -> None:
    with contextlib.suppress(ValueError):  # it has just rung
        _set.remove(one)


def _wind() -> None:
    """Sets the system's timer to the next alarm."""
    next_at = min((one.at for one in tuple(_set)), default=None)
    if next_at is not None:
        signal.setitimer(signal.ITIMER_REAL, max(next_at - time.monotonic(), SHORTEST_S))
