"""The live line of an evaluation: a bar on a terminal, plain lines elsewhere; always on stderr."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO, final, get_args

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from frontier.cli._panel import LINE_EVERY_S, Mode, choose, printable
from frontier.errors import InputError

if TYPE_CHECKING:
    from frontier.api.evaluate import Progress


@contextlib.contextmanager
def follow(mode: str = "auto", stream: TextIO | None = None) -> Iterator[Callable[[Progress], None]]:
    """Yields what to call with each step. `stream` is stderr unless given. Raises InputError for an unknown mode."""
    if mode not in get_args(Mode):
        raise InputError("unknown choice", where="--progress", expected=", ".join(get_args(Mode)), got=mode)
    out = stream if stream is not None else sys.stderr
    chosen = choose(mode, out, os.environ)
    if chosen == "none":
        yield lambda progress: None
    elif chosen == "plain":
        yield PlainSteps(out).tell
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            TimeElapsedColumn(),
        )
        with Bars(*columns, console=Console(file=out)) as bars:
            bar = bars.add_task("evaluating", total=None, left="")

            def tell(progress: Progress) -> None:
                step = progress.step
                bars.update(bar, description=where(progress), completed=step.done, total=step.of, left=left(progress))

            yield tell


@final
class PlainSteps:
    """A line where a point begins, and one every LINE_EVERY_S seconds while it is worked on."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._shown: tuple[str, int] | None = None
        self._shown_s = 0.0

    def tell(self, progress: Progress) -> None:
        """Print a line where one is due."""
        begun, now = (progress.address, progress.done), self._clock()
        if begun == self._shown and now - self._shown_s < LINE_EVERY_S:
            return
        self._shown, self._shown_s = begun, now
        step = progress.step
        self._stream.write(f"{where(progress)} ({step.done}/{step.of}) {left(progress)}".rstrip() + "\n")
        self._stream.flush()


def where(progress: Progress) -> str:
    """`point 7.1 (2/5) autoattack/8`: which point, which evaluation of all, and what runs."""
    stage = printable(progress.step.stage)
    return f"point {progress.address} ({progress.done + 1}/{progress.of}) {stage}" if progress.address else stage


def left(progress: Progress) -> str:
    """`312 images left`."""
    return f"{progress.step.left:,} images left" if progress.step.left else ""
