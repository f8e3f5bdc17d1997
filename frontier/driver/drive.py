"""Drives a search with a backend from start to end, and turns Ctrl-C into an orderly stop."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from frontier import registry
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import Interrupted, TooManyFailures


def drive(search: Search, backend: str, work: Work) -> None:
    """Runs the study to its total. `search` has been entered (`with Search(...) as search`).

    The first Ctrl-C (or a file `cancel` in the study's folder) hands out nothing more and lets running trials
    finish; the next stops them, to go on from their checkpoints when the study is resumed. Raises Interrupted
    after either, TooManyFailures when trials kept failing or none of them all is complete, and BlockedError when the
    sampler's memory stayed out of reach; all that had finished is kept and told. With other drivers on the study it
    ends when theirs have finished too, and goes on with what a dead one has left.
    """
    run = registry.load("backend", backend).run
    with _stopping(search) as running:
        try:
            with contextlib.suppress(KeyboardInterrupt):
                run(search, work)
                while search.wait():
                    run(search, work)
                running.clear()
        finally:
            running.clear()
            search.collect_all()
            search.finish()
    if search.blocked:
        raise search.blocked
    if search.too_many_failures:
        raise TooManyFailures(f"{search.stopped}; the last reason is in the study's newest records")
    if search.fruitless:
        raise TooManyFailures(f"none of the {search.handed_out} trials is complete; their records say why")
    if not search.complete:
        raise Interrupted(f"{search.stopped or 'stopped'}; all that had finished is kept, go on with --resume")


@contextlib.contextmanager
def _stopping(search: Search) -> Iterator[threading.Event]:
    """While this lasts, the first SIGINT stops the search softly; a later one is a KeyboardInterrupt while the event
    that is handed out is set, and nothing once it is cleared: what has finished is then being told."""
    running = threading.Event()
    running.set()
    if threading.current_thread() is not threading.main_thread():
        yield running  # signals reach the main thread only
        return
    before = signal.getsignal(signal.SIGINT)
    softly = iter([True])

    def press(number: int, frame: FrameType | None) -> None:
        if next(softly, False):
            search.stop("interrupted")
        elif running.is_set():
            search.interrupt()

    signal.signal(signal.SIGINT, press)
    try:
        yield running
    finally:
        signal.signal(signal.SIGINT, before)
