"""A network namespace is named after the process that asked for it, so that anyone can tell when it is left over.

Standard library only: the link's own process runs this too.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

Side = Literal["client", "server"]
SIDES: Final[tuple[Side, Side]] = ("client", "server")
ADDRESSES: Final[Mapping[Side, str]] = {"client": "198.18.0.1", "server": "198.18.0.2"}  # RFC 2544: for measurements
MOUNTED: Final = Path("/run/netns")  # where `ip netns` keeps them
NAME: Final = re.compile(r"frontier-(\d+)-(\d+)-(\d+)-[0-9a-f]{8}-(?:client|server)", re.ASCII)
ADMINISTRATOR: Final = "/usr/sbin:/sbin"  # not on everyone's PATH
COMMAND_S: Final = 10.0


class Refused(Exception):
    """The machine does not do what a link needs, in the words of the kernel or of the system's program."""


def tool(name: str) -> str | None:
    """The path of `ip` or `tc`, or None."""
    return shutil.which(name) or shutil.which(name, path=ADMINISTRATOR)


def call(name: str, *arguments: str, given: str | None = None) -> str:
    """What `ip` or `tc` prints. Raises Refused with what it complains about."""
    path = tool(name)
    if path is None:
        raise Refused(f"there is no program '{name}' here")
    try:
        done = subprocess.run(  # noqa: S603
            [path, *arguments], input=given or "", capture_output=True, text=True, check=False, timeout=COMMAND_S
        )
    except subprocess.TimeoutExpired:
        raise Refused(f"{name} {' '.join(arguments)}: no answer within {COMMAND_S:g} s") from None
    if done.returncode:
        raise Refused(f"{name} {' '.join(arguments)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout


def names() -> dict[Side, str]:
    """Two names that no other run has: this process's pid namespace, its number, its start, a random part, the side."""
    pid, mark = os.getpid(), secrets.token_hex(4)
    return {side: f"frontier-{_pid_namespace()}-{pid}-{_started(pid)}-{mark}-{side}" for side in SIDES}


def remove(names: Iterable[str]) -> None:
    """These namespaces are gone, with their devices and whatever still ran inside; nothing happens where none is.

    Raises Refused after all of them were tried.
    """
    refused = None
    for name in names:
        try:
            _remove(name)
        except Refused as error:
            refused = error
    if refused:
        raise refused


def _remove(name: str) -> None:
    path = MOUNTED / name
    try:
        held = os.open(path, os.O_RDONLY)  # so that no other namespace gets its number before we are done
    except FileNotFoundError:
        return
    try:
        _kill_all_inside(held)
        try:
            call("ip", "netns", "delete", name)
        except Refused:
            if path.exists():  # or else another process was faster
                raise
        _kill_all_inside(held)  # who was on the way in
    finally:
        os.close(held)


def remove_left_over() -> None:
    """Removes the namespaces of callers that are dead, and whose link was killed before it could clean up."""
    for path in MOUNTED.glob("frontier-*"):
        parts = NAME.fullmatch(path.name)
        if parts and int(parts[1]) == _pid_namespace() and _started(int(parts[2])) != int(parts[3]):
            with contextlib.suppress(Refused):  # the next start tries again
                remove([path.name])


def _kill_all_inside(held: int) -> None:
    there = os.fstat(held)
    for _ in range(100):
        if not _kill_inside((there.st_dev, there.st_ino)):
            break
        time.sleep(0.01)


def _kill_inside(namespace: tuple[int, int]) -> bool:
    """Whether a process was found inside, and killed."""
    found = False
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            descriptor = os.pidfd_open(int(process.name))
            try:
                inside = (process / "ns/net").stat()
                if (inside.st_dev, inside.st_ino) == namespace:
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                    found = True
            finally:
                os.close(descriptor)
    return found


def _started(pid: int) -> int | None:
    """When a process started, in clock ticks since the machine did; None where it is dead."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else int(fields[18])


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino
