"""Makes many corruptions of one split, several at once in processes of their own. They need no torch."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, NamedTuple, final

from frontier.corruptions import _sets
from frontier.corruptions._apply import SEVERITIES
from frontier.corruptions._make import ORDINARY, Watch
from frontier.errors import BlockedError, Interrupted
from frontier.trial.source import Source

POLL_S = 0.1
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # a process each is enough


@dataclass(frozen=True)
class Making:
    """`done` of `of` images are made, all corruptions and severities counted; `note`: what a person should know."""

    done: int
    of: int
    corruption: str
    note: str = ""


OnProgress = Callable[[Making], None]


def prepare(source: Source, split: str, corruptions: Sequence[str], workers: int, on_progress: OnProgress) -> None:
    """Makes these corruptions of the split, each in one process, `workers` at once.

    One worker is this process. Whoever stops it leaves whole corruptions. Raises what `_sets.obtain` raises.
    """
    count = _Count(corruptions, len(SEVERITIES) * len(source.dataset().split(split)), on_progress)
    if workers > 1:
        _in_processes(source, split, corruptions, workers, count)
        return
    for corruption in corruptions:
        _obtain(source, split, corruption, count.add)
        count.finish(corruption)


class _News(NamedTuple):
    """Images that were made of a corruption, or a line about it."""

    corruption: str
    images: int = 0
    line: str = ""


@final
class _Count:
    """Adds up the news. What another process made counts once it is there."""

    def __init__(self, corruptions: Sequence[str], each: int, on_progress: OnProgress) -> None:
        self._done, self._each, self._tell = dict.fromkeys(corruptions, 0), each, on_progress

    def add(self, news: _News) -> None:
        self._done[news.corruption] += news.images
        note = "" if news.line.endswith(ORDINARY) else news.line
        done = sum(min(images, self._each) for images in self._done.values())
        self._tell(Making(done, self._each * len(self._done), news.corruption, note))

    def finish(self, corruption: str) -> None:
        self.add(_News(corruption, max(0, self._each - self._done[corruption])))


def _obtain(
    source: Source, split: str, corruption: str, put: Callable[[_News], None], check: Callable[[], None] = lambda: None
) -> None:
    def tell(line: str) -> None:
        put(_News(corruption, line=line))

    def step(images: int) -> None:
        put(_News(corruption, images))

    _sets.obtain(source.corrupted_split(split), corruption, Watch(tell, check, step))


# several processes

_wires: Any = None  # in a worker: the queue of its news, and the event that stops it


def _begin(news: Any, stop: Any) -> None:
    """A worker is stopped by its parent, who hears the Ctrl-C too."""
    global _wires
    _wires = news, stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(source: Source, split: str, corruption: str) -> None:
    news, stop = _wires

    def check() -> None:
        if stop.is_set():
            raise Interrupted("stopped")

    _obtain(source, split, corruption, news.put, check)


def _in_processes(source: Source, split: str, corruptions: Sequence[str], workers: int, count: _Count) -> None:
    spawn = multiprocessing.get_context("spawn")
    news, stop = spawn.SimpleQueue(), spawn.Event()
    with (
        _one_thread_each(),
        ProcessPoolExecutor(workers, spawn, initializer=_begin, initargs=(news, stop)) as pool,
    ):
        waiting = {pool.submit(_work, source, split, corruption): corruption for corruption in corruptions}
        try:
            while waiting:
                finished, _ = wait(waiting, POLL_S, FIRST_COMPLETED)
                while not news.empty():
                    count.add(news.get())
                for future in finished:
                    future.result()
                    count.finish(waiting.pop(future))
        except BrokenProcessPool:
            fix = "to do: give fewer --workers; what is whole stays"
            raise BlockedError(f"a process that made corrupted images died, out of memory perhaps\n  {fix}") from None
        finally:
            stop.set()  # those that still work end after their severity
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile have linear algebra of one thread."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
