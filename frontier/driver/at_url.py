"""A study at a URL has one driver: it holds a lease there, publishes what it says, and hears when it is to stop."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import final

from frontier.errors import InputError
from frontier.leases import DEAD_AFTER_S, Lease, held, holder
from frontier.mirror import Mirror, mirror_of
from frontier.results import remote
from frontier.results.store import CANCEL

LEASE = "driver"
LOOK_S = 1.0
PUBLISH_S = 10.0  # between two looks for `cancel`, and two PUTs of a file that grows


@contextlib.contextmanager
def alone_at_url(folder: Path) -> Iterator[Link | None]:
    """Holds the lease of the study whose folder this is; None where it lies in no mirror.

    Raises InputError where another driver holds it, BlockedError where the store does not answer.
    """
    if (mirror := mirror_of(folder)) is None:
        yield None
        return
    with held(mirror.place(folder), LEASE) as lease:
        if lease is None:
            owner = holder(mirror.place(folder), LEASE)
            raise InputError(
                f"{owner.who if owner else 'another driver'} is working on this study",
                where=mirror.shown(folder),
                expected="one driver at a time: several share a study on a shared file system alone",
                fix="wait for it, or stop it (frontier cancel); one that was killed on another machine is followed "
                f"after {DEAD_AFTER_S:g} s",
            )
        remote.catch_up(mirror, folder, settle=True)
        with Link(mirror, folder, lease) as link:
            yield link


@final
class Link:
    """Between a driver's folder and the URL, by a thread of its own; what goes wrong there is tried again later."""

    def __init__(self, mirror: Mirror, folder: Path, lease: Lease) -> None:
        self._mirror, self._folder, self._lease = mirror, folder, lease
        self._sizes: dict[str, int] = {}  # of what was published
        self._told = False  # whether this driver has said anything
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._work, name="frontier-url", daemon=True)
        self.overtaken = False  # whether another driver has taken the study over, after this one stood still

    def __enter__(self) -> Link:
        self._mirror.bucket.remove([self._cancel])  # meant for the driver before
        with contextlib.suppress(OSError):  # of a driver that was killed before it had published all
            self._publish()
        self._told = False
        self._thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._leaving.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self._publish()

    @property
    def _cancel(self) -> str:
        return self._mirror.key(self._folder / CANCEL)

    def _events(self) -> list[Path]:
        return sorted(self._folder.glob("events*.jsonl"))

    def _work(self) -> None:
        due_s = 0.0
        while not self._leaving.wait(LOOK_S):
            if self._told and time.monotonic() < due_s:
                continue
            with contextlib.suppress(OSError):
                self._publish()
                self.overtaken = self._lease.is_lost()
                if self._mirror.bucket.get(self._cancel) is not None:
                    (self._folder / CANCEL).touch()
            due_s = time.monotonic() + PUBLISH_S

    def _publish(self) -> None:
        for path in self._events():
            content = path.read_bytes()
            if len(content) != self._sizes.get(path.name):
                self._mirror.bucket.put(self._mirror.key(path), content)
                self._sizes[path.name] = len(content)
                self._told = True
