"""One driver at a time works on a study; the lock dies with its process, so a crash leaves nothing to clean up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from frontier.errors import InputError


@contextlib.contextmanager
def driving(folder: Path) -> Iterator[None]:
    """Holds `driver.lock` in the study's folder. Raises InputError that names the process that holds it."""
    lock, holder = FileLock(folder / "driver.lock"), folder / "driver.pid"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"process {holder.read_text().strip() if holder.is_file() else '(unknown)'} is working on this study",
            where=str(folder),
            expected="one driver at a time",
            fix="wait for it, stop it, or search under another --name",
        ) from None
    try:
        holder.write_text(f"{os.getpid()}\n")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()
