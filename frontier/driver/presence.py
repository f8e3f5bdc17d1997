"""Which drivers work on a study: each holds a file locked while it lives, and touches it now and then.

Whether a driver of the same kernel lives, its lock says, at once and for sure. Of another host's the file's time says
it: too old, by the clock of the file system they share, means dead. No host's own clock is asked.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import socket
import threading
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self, final

from frontier.driver.at_url import Link
from frontier.files import age_s

BEAT_S = 5.0
DEAD_AFTER_S = 60.0  # beats missed by another host's driver; NFS may show a file's time that much too late
FOLDER = "drivers"  # in the study's folder
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def kernel() -> str:
    """The same for all processes that see each other's file locks, other for every other host and boot."""
    return BOOT_ID.read_text(encoding="ascii")[:8] if BOOT_ID.is_file() else f"{uuid.getnode():012x}"


@final
class Presence:
    """This process among the drivers of a study: present from `with` on. `name` is HOST.KERNEL.PROCESS.CHANCE."""

    def __init__(self, study: Path, link: Link | None = None) -> None:
        host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40] or "host"
        self.name = f"{host}.{kernel()}.{os.getpid()}.{secrets.token_hex(3)}"
        self._folder, self._link = study / FOLDER, link
        self._file: int | None = None
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="frontier-presence", daemon=True)

    def __enter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        self.touch()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()
        (self._folder / self.name).unlink(missing_ok=True)
        if self._file is not None:
            os.close(self._file)

    @property
    def overtaken(self) -> bool:
        """Whether another driver has taken over a study that one alone may work on, for it lies at a URL."""
        return self._link is not None and self._link.overtaken

    def touch(self) -> None:
        """Says that this driver lives; again from the start, if others have taken it for dead meanwhile."""
        try:
            os.utime(self._folder / self.name)
        except FileNotFoundError:
            self._appear()

    def _beat(self) -> None:
        while not self._leaving.wait(BEAT_S):
            with contextlib.suppress(OSError):  # a file system that hangs for a moment; the next beat may reach it
                self.touch()

    def _appear(self) -> None:
        """The file is seen under its name only once it is locked."""
        hidden = self._folder / f".{self.name}"
        file = os.open(hidden, os.O_RDWR | os.O_CREAT, 0o644)
        with contextlib.suppress(OSError):  # a file system without locks: its files' times say who lives
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        hidden.replace(self._folder / self.name)
        if self._file is not None:
            os.close(self._file)
        self._file = file


def living(study: Path) -> frozenset[str]:
    """Names of all drivers of a study that live."""
    return frozenset(name for name in named(study) if lives(study, name))


def remains(study: Path) -> frozenset[str]:
    """Names of the drivers that have left a file and live no longer."""
    return frozenset(name for name in named(study) if not lives(study, name))


def bury(study: Path, name: str) -> None:
    """Removes what a dead driver left, after its trials have been taken over."""
    (study / FOLDER / name).unlink(missing_ok=True)


def lives(study: Path, name: str) -> bool:
    """Whether this driver lives; one that has left no file does not."""
    path = study / FOLDER / name
    if f".{kernel()}." in name:
        with contextlib.suppress(OSError):
            return not unlocked(path)
    try:
        return age_s(path) < DEAD_AFTER_S
    except FileNotFoundError:
        return False


def unlocked(path: Path) -> bool:
    """Whether no process of this kernel holds the file locked.

    Raises OSError where there is no such file, and where the file system has no locks.
    """
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def named(study: Path) -> list[str]:
    """Names of all drivers that have a file, dead or alive."""
    folder = study / FOLDER
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
