"""Leases: of those who ask for one thing at once, on one host or on many, one makes it and the others wait.

A lease is a file beside what is made, `.NAME.lease-1`, whose owner touches it every few seconds. Where it was not
touched for long, or its owner's process is gone, another makes `.NAME.lease-2` and is the owner from then on: a file
that exists cannot be made, so that of several who find the owner dead one takes over. Ages are differences between
file times of one file system, so that no two clocks need agree, and nothing is asked of it but that: NFS will do. An
object store will do as well (`frontier.mirror`): whatever is a Place.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, final

from frontier.places import Folder, Place

BEAT_S = 2.0  # between two touches
DEAD_AFTER_S = 60.0  # without one; a machine under load, or a file server that hangs, may be late by half a minute
POLL_S = 0.2  # between the first two looks of one who waits; it grows to BEAT_S
PROC = Path("/proc")
STARTED = 19  # field of /proc/N/stat after the command's name; 0 is the state

Made = TypeVar("Made")


class LeaseLost(Exception):
    """Raised inside what is made when another took over: this process had stood still for too long."""


@dataclass(frozen=True)
class Owner:
    """Who holds a lease. `process` tells it from every other process of its host; "" where that cannot be said."""

    generation: int
    token: str
    who: str
    process: str


def once(
    folder: Path | Place,
    name: str,
    find: Callable[[], Made | None],
    make: Callable[[Callable[[], None]], None],
    *,
    tell: Callable[[str], None] = lambda line: None,
    check: Callable[[], None] = lambda: None,
) -> Made:
    """What `find` finds; where it finds nothing, `make` is called by one of those who ask, and the others wait.

    `make` is given what it calls now and then: it raises what `check` raises, and LeaseLost. `check` is called while
    waiting too, `tell` is given a line about every owner that is waited for. `find` is asked again after `make`, and
    whoever waits goes on until it finds or its turn comes: what the owner left undone is made by the next.
    """
    told, pause_s = "", POLL_S
    while (found := find()) is None:
        with held(folder, name, tell) as lease:
            if lease is not None:
                if find() is None:
                    _made_under(lease, make, check)
                continue
        told = waited_for(folder, name, told, tell)
        check()
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, BEAT_S)
    return found


def _made_under(lease: Lease, make: Callable[[Callable[[], None]], None], check: Callable[[], None]) -> None:
    """Calls `make`; what goes wrong because another took over and tidied up is no error."""
    try:
        make(lambda: lease.confirm(check))
    except Exception:
        if not lease.is_lost():
            raise


def waited_for(folder: Path | Place, name: str, told: str, tell: Callable[[str], None]) -> str:
    """Tells who holds the lease unless that was `told`; returns who was told last."""
    owner = holder(folder, name)
    if owner is None or owner.token == told:
        return told
    tell(f"{owner.who or 'somewhere'}: another process makes it; waiting")
    return owner.token


@contextlib.contextmanager
def held(folder: Path | Place, name: str, tell: Callable[[str], None] = lambda line: None) -> Iterator[Lease | None]:
    """The lease, while it is held here; None where another holds it. The folder must exist."""
    place = _placed(folder)
    before = holder(place, name)
    if before is not None:
        why = _dead(place, name, before)
        if why is None:
            yield None
            return
        tell(f"{before.who or 'its owner'} {why}; taking over")
    lease = Lease.take(place, name, before)
    if lease is None:
        yield None
        return
    try:
        yield lease
    finally:
        lease.release()


@final
class Lease:
    """A lease held by this process: a thread touches it until `release`."""

    def __init__(self, place: Place, name: str, owner: Owner) -> None:
        self._place, self._name = place, _named(name, owner.generation)
        self._next = _named(name, owner.generation + 1)
        self._token, self._over, self._lost = owner.token, threading.Event(), False
        self._thread = threading.Thread(target=self._beat, name=f"lease {self._name}", daemon=True)
        self._thread.start()

    @classmethod
    def take(cls, place: Place, name: str, before: Owner | None) -> Lease | None:
        """The lease after `before`, who is dead; None where somebody was faster."""
        mine = Owner(before.generation + 1 if before else 1, secrets.token_hex(8), _who(), process())
        said = {"token": mine.token, "who": mine.who, "process": mine.process}
        if not place.create(_named(name, mine.generation), json.dumps(said)):
            return None
        standing = {owner.generation: owner.token for owner in _owners(place, name)}
        judged = standing.get(mine.generation - 1, before.token if before else None)
        if max(standing, default=0) > mine.generation or judged != (before.token if before else None):
            place.remove(_named(name, mine.generation))
            return None
        for generation in standing:
            if generation < mine.generation:
                place.remove(_named(name, generation))
        return cls(place, name, mine)

    def confirm(self, check: Callable[[], None] = lambda: None) -> None:
        """Raises LeaseLost where it is another's by now, and what `check` raises."""
        check()
        if self.is_lost():
            raise LeaseLost(f"{self._name}: another process took over")

    def is_lost(self) -> bool:
        """Whether another took over; so too once it is released."""
        if not self._lost:
            with contextlib.suppress(OSError):  # the file server is away; when it is back, the file says whose it is
                theirs = self._place.read(self._next) is not None
                self._lost = theirs or _said(self._place.read(self._name) or "").get("token") != self._token
        return self._lost

    def release(self) -> None:
        """Lets the next one begin; a second time it does nothing."""
        if self._over.is_set():
            return
        self._over.set()
        self._thread.join(BEAT_S)  # a file server that hangs holds it up, and must not hold up the trial
        if not self.is_lost():
            with contextlib.suppress(OSError):
                self._place.remove(self._name)
        self._lost = True

    def _beat(self) -> None:
        while not self._over.wait(self._place.beat_s) and not self.is_lost():
            with contextlib.suppress(OSError):
                self._place.touch(self._name)
                if self._over.is_set():  # the object may have been put anew after it was released
                    self._place.remove(self._name)


def process() -> str:
    """This process among all that this kernel has run and that see each other's numbers; "" where there is no /proc."""
    return _process(str(os.getpid()))


@functools.cache
def _realm() -> str:
    """The boot of this kernel and this process's namespace of process numbers."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _process(number: str) -> str:
    try:
        fields = (PROC / f"{int(number)}" / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return f"{_realm()} {number} {fields[STARTED]}" if _realm() and fields[0] not in "ZX" else ""


def _who() -> str:
    return f"process {os.getpid()} on {os.uname().nodename}"


def _dead(place: Place, name: str, owner: Owner) -> str | None:
    """Why the owner is taken for dead; None while it may live, or where it is the owner no more."""
    realm, _, number = owner.process.rpartition(" ")[0].rpartition(" ")
    if realm and realm == _realm():  # of a process that can be seen there is no doubt, however long it stood still
        return None if _process(number) == owner.process else "is gone"
    silent_s = place.age_s(_named(name, owner.generation))
    return f"gave no sign for {silent_s:.0f} s" if silent_s is not None and silent_s > DEAD_AFTER_S else None


def holder(folder: Path | Place, name: str) -> Owner | None:
    """Who holds the lease, alive or not; None where nobody does."""
    return max(_owners(_placed(folder), name), key=lambda owner: owner.generation, default=None)


def _owners(place: Place, name: str) -> list[Owner]:
    found = []
    for one in place.names():
        generation = one.removeprefix(_named(name, ""))
        if generation == one or not generation.isdecimal():
            continue
        text = place.read(one)
        if text is not None:
            found.append(Owner(int(generation), *(_said(text).get(key, "") for key in ("token", "who", "process"))))
    return found


def _said(text: str) -> dict[str, str]:
    """What a lease says; nothing where it is being written, or its writer died before it was."""
    try:
        return {key: str(value) for key, value in json.loads(text).items()}
    except (ValueError, AttributeError):
        return {}


def _placed(folder: Path | Place) -> Place:
    return Folder(folder, BEAT_S) if isinstance(folder, Path) else folder


def _named(name: str, generation: int | str) -> str:
    return f".{name}.lease-{generation}"
