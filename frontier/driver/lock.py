"""Who may drive a study: one driver alone, or any number that share a database in PostgreSQL; never both."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from frontier.driver.at_url import alone_at_url
from frontier.driver.presence import Presence, living
from frontier.errors import InputError
from frontier.files import sweep

ENTERING_S = 10.0  # drivers that share a study pass the lock on within a moment
GLANCE_S = 0.5  # and somebody who looks whether a driver lives has it for less (lookout)
LOCK, HOLDER = "driver.lock", "driver.pid"  # in the study's folder; the latter is there while one works alone


@contextlib.contextmanager
def driving(folder: Path) -> Iterator[None]:
    """Holds `driver.lock` in the study's folder; it dies with its process, so a crash leaves nothing to clean up.

    Raises InputError that names the process that holds it, or the drivers that share the study.
    """
    holder = folder / HOLDER
    with _locked(folder, GLANCE_S):
        if others := living(folder):
            raise InputError(
                f"drivers are working on this study: {', '.join(sorted(others))}",
                where=str(folder),
                expected="nobody else, for the sampler's memory in the study's folder is for one driver",
                fix="give the --storage that they were given, or wait for them",
            )
        try:
            holder.write_text(f"{os.getpid()}\n")
            yield
        finally:
            holder.unlink(missing_ok=True)


@contextlib.contextmanager
def sharing(folder: Path) -> Iterator[Presence]:
    """Makes this process one of the drivers that share the study, or at a URL its only one. Raises InputError while
    another works on it alone."""
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(alone_at_url(folder))
        with _locked(folder, ENTERING_S):
            presence = stack.enter_context(Presence(folder, link))
        yield presence


@contextlib.contextmanager
def _locked(folder: Path, timeout_s: float) -> Iterator[None]:
    lock, holder = FileLock(folder / LOCK), folder / HOLDER
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout:
        raise InputError(
            f"process {holder.read_text().strip() if holder.is_file() else '(unknown)'} is working on this study",
            where=str(folder),
            expected="one driver at a time, or several that were all given the same --storage",
            fix="wait for it, stop it, or search under another --name",
        ) from None
    try:
        if not living(folder):  # else one of them may be writing
            sweep(folder)
        yield
    finally:
        lock.release()
