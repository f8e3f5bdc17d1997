"""An emulated link joins two network namespaces of its own, and leaves nothing behind however its caller ends."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, final

from frontier.engines._namespaces import ADDRESSES, MOUNTED, SIDES, Refused, Side, names, remove, tool
from frontier.errors import BlockedError, InputError
from frontier.latency._link import Link

READY_S: Final = 30.0
NETWORK: Final = 0x40000000  # CLONE_NEWNET
ANSWER_S: Final = 5.0
LONGEST_RTT_MS: Final = 1000.0  # a party that is silent for seconds is given up
INSTEAD: Final = "run the two parties on two hosts, which need no rights, and take the link that lies between them"


@final
@dataclass(frozen=True)
class Emulated:
    """A link that is there as long as its context. `by` is `netem` (the kernel delays) or `tun` (our process does)."""

    link: Link
    by: Literal["tun", "netem"]
    addresses: Mapping[Side, str]
    congestion: str  # the TCP congestion control that a socket gets there, unless it asks for another
    namespaces: Mapping[Side, str]
    process: subprocess.Popen[bytes]  # that is the link

    def command(self, side: Side, argv: Sequence[str]) -> list[str]:
        """The same program on that side of the link. Its process is killed where it outlives the context."""
        return [str(tool("ip")), "netns", "exec", self.namespaces[side], *argv]

    @contextlib.contextmanager
    def entered(self, side: Side) -> Iterator[None]:
        """Sockets that the calling thread opens meanwhile are on that side of the link."""
        with open("/proc/thread-self/ns/net", "rb") as outside, open(MOUNTED / self.namespaces[side], "rb") as inside:
            _enter(inside.fileno())
            try:
                yield
            finally:
                _enter(outside.fileno())

    def lateness_ms(self, *, anew: bool = False) -> float | None:
        """The most that a packet may have come too late so far, or since it was last asked `anew`.

        None where the kernel delays: it does not say. Raises BlockedError where the link is gone.
        """
        with contextlib.suppress(BrokenPipeError):
            os.write(_pipe(self.process.stdin), b"!" if anew else b"?")
        late: float | None = _answer(self.process, ANSWER_S)["late_ms"]
        return late


@contextlib.contextmanager
def emulated(link: Link) -> Iterator[Emulated]:
    """Two namespaces, `client` and `server`, joined by this link and by nothing else. Linux, and root, only.

    Raises InputError on round trips that no party would wait for, and BlockedError where the machine does not let us,
    with what it needs.
    """
    if link.rtt_ms > LONGEST_RTT_MS:
        raise InputError(
            "round trips too long to measure",
            where="--link",
            expected=f"at most {LONGEST_RTT_MS:g} ms",
            got=f"{link.rtt_ms:g} ms",
            fix="price such a link instead: frontier price --link RTT_MS,MBIT_S",
        )
    _may()
    namespaces = names()
    root = str(Path(__file__).resolve().parents[2])
    module = [sys.executable, "-S", "-P", "-m", "frontier.engines._link_process"]
    process = subprocess.Popen(  # noqa: S603
        [*module, str(link.rtt_ms), str(link.mbit_s), *(namespaces[side] for side in SIDES), str(os.getpid())],
        env={**os.environ, "PYTHONPATH": root},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,  # Ctrl-C is for the caller
    )
    try:
        ready = _answer(process, READY_S)
        yield Emulated(link, ready["by"], ADDRESSES, ready["congestion"], namespaces, process)
    finally:
        _end(process)
        try:
            remove(namespaces.values())
        except Refused as error:
            raise BlockedError(f"the namespaces of an emulated link stay behind: {error}") from None


def _may() -> None:
    if sys.platform != "linux":
        raise _blocked(f"it needs Linux, and this is {sys.platform}")
    if os.geteuid() != 0:
        raise _blocked("making network namespaces takes root, and this process is not root", "run as root, or ")
    if tool("ip") is None:
        raise _blocked("there is no program 'ip'", "install iproute2, or ")


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, NETWORK):
        raise _blocked(f"a network namespace cannot be entered: {os.strerror(ctypes.get_errno())}")


def _answer(process: subprocess.Popen[bytes], patience_s: float) -> dict[str, Any]:
    out = _pipe(process.stdout)
    line, waiting = b"", select.poll()
    waiting.register(out, select.POLLIN)
    while not line.endswith(b"\n"):
        if not waiting.poll(patience_s * 1e3):
            raise _blocked(f"the link's process gave no answer within {patience_s:g} s", "measure again, or ")
        if not (more := os.read(out, 4096)):
            said = os.read(_pipe(process.stderr), 65536).decode(errors="replace").strip().splitlines()[-1:]
            raise _blocked("; ".join(["the link's process is gone", *said]), "measure again, or ")
        line += more
    answer: dict[str, Any] = json.loads(line)
    if "refused" in answer:
        raise _blocked(answer["refused"])
    return answer


END_S = 1.0  # for the link's process to end when it is told; one that stands still is killed


def _end(process: subprocess.Popen[bytes]) -> None:
    with process:  # closes the pipes
        with contextlib.suppress(BrokenPipeError):
            os.write(_pipe(process.stdin), b".")
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _pipe(stream: Any) -> int:
    return int(stream.fileno())


def _blocked(why: str, cure: str = "") -> BlockedError:
    return BlockedError(f"no link can be emulated: {why}\n  to do: {cure}{INSTEAD}")
