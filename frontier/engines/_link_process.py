"""The process that is the link: makes both namespaces, carries the packets, and removes everything when it ends.

`python -m frontier.engines._link_process RTT_MS MBIT_S CLIENT SERVER PID`, with the namespaces' names and the caller's
number. It ends when the caller says so or is dead, however it died. Standard library only. It prints one line of JSON
when all is ready, and one for each byte on its standard input: `?` asks for the worst lateness, `!` asks for it and
begins to count anew, `.` is the end.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from typing import Final, NoReturn

from frontier.engines._namespaces import ADDRESSES, SIDES, Refused, Side, call, remove, remove_left_over
from frontier.engines._relay import DEVICES, Way, carry, open_device

SETTINGS: Final = "/proc/sys/net/ipv4"
PACKET_BYTES: Final = 1500


def main(rtt_ms: float, mbit_s: float, names: Mapping[Side, str], caller: int) -> None:
    """Returns when the caller has said so, closed the pipe, or died."""
    for ignored in (signal.SIGINT, signal.SIGHUP):  # the caller's to act on
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    try:
        died = os.pidfd_open(caller)
        if os.getppid() != caller:
            return
        remove_left_over()
        for side in SIDES:
            call("ip", "netns", "add", names[side])
            call("ip", "-n", names[side], "link", "set", "dev", "lo", "up")
        ways = () if _netem_joins(names, rtt_ms, mbit_s) else _tun_joins(names, rtt_ms, mbit_s)
        congestion = [_settled(names[side]) for side in SIDES]
        _say({"by": "tun" if ways else "netem", "congestion": congestion[0]})
        _hurry()
        _serve(ways, died)
    except (Refused, OSError) as error:
        _say({"refused": str(error)})
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        remove(names.values())


def _serve(ways: tuple[Way, ...], died: int) -> None:
    asked = sys.stdin.fileno()
    while True:
        called = carry(ways, (asked, died)) if ways else select.select([asked, died], [], [])[0]
        word = os.read(asked, 1) if died not in called else b""
        if word not in {b"?", b"!"}:
            return
        _say({"late_ms": max(way.late_ns for way in ways) / 1e6 if ways else None})
        if word == b"!":
            for way in ways:
                way.late_ns = 0.0


def _netem_joins(names: Mapping[Side, str], rtt_ms: float, mbit_s: float) -> bool:
    """Whether this kernel delays packets itself: then a veth pair with netem at both ends is the link."""
    packets = max(1000, int(rtt_ms * mbit_s * 1e3 / 8 / PACKET_BYTES))
    delay = ["netem", "delay", f"{rtt_ms / 2:f}ms", "rate", f"{mbit_s:f}mbit", "limit", str(packets)]
    try:
        call("tc", "-n", names["client"], "qdisc", "add", "dev", "lo", "root", *delay)
    except Refused:
        return False
    call("tc", "-n", names["client"], "qdisc", "del", "dev", "lo", "root")
    here, there = (names[side] for side in SIDES)
    call("ip", "-n", here, "link", "add", "link0", "type", "veth", "peer", "name", "link0", "netns", there)
    for side in SIDES:
        call("tc", "-n", names[side], "qdisc", "add", "dev", "link0", "root", *delay)
        _address(names[side], side, "link0")
    return True


def _tun_joins(names: Mapping[Side, str], rtt_ms: float, mbit_s: float) -> tuple[Way, Way]:
    """A TUN device in each namespace; both go when this process does."""
    if not os.path.exists(DEVICES):  # noqa: PTH110
        raise Refused(f"the kernel has neither the queueing discipline netem nor {DEVICES}")
    descriptors = []
    for side in SIDES:
        descriptor, device = open_device()
        call("ip", "link", "set", "dev", device, "netns", names[side])
        _address(names[side], side, device)
        descriptors.append(descriptor)
    here, there = descriptors
    return Way(here, there, rtt_ms, mbit_s), Way(there, here, rtt_ms, mbit_s)


def _address(name: str, side: Side, device: str) -> None:
    other = ADDRESSES["server" if side == "client" else "client"]
    call("ip", "-n", name, "address", "add", ADDRESSES[side], "peer", other, "dev", device)
    call("ip", "-n", name, "link", "set", "dev", device, "mtu", str(PACKET_BYTES), "up")


def _settled(name: str) -> str:
    """A silence must not throw a connection back to its beginning. The congestion control that a socket gets."""
    inside = ("netns", "exec", name)
    call("ip", *inside, "tee", f"{SETTINGS}/tcp_slow_start_after_idle", given="0\n")
    return call("ip", *inside, "cat", f"{SETTINGS}/tcp_congestion_control").strip()


def _hurry() -> None:
    """Ahead of other processes and without pauses of our own: what is late here is late on the link."""
    gc.disable()
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def _say(what: Mapping[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody is left to be told
        print(json.dumps(what), flush=True)  # noqa: T201


def _stop(*_: object) -> NoReturn:
    sys.exit(1)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), dict(zip(SIDES, sys.argv[3:5], strict=True)), int(sys.argv[5]))
