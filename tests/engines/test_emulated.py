"""An emulated link is at least as slow as asked, meets no other one, and is gone however its caller or itself ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from frontier.engines import _emulated, _link_process, _namespaces
from frontier.engines._emulated import Emulated, emulated
from frontier.errors import BlockedError, InputError
from frontier.latency._link import Link

ECHO = [sys.executable, str(Path(__file__).parents[2] / "benchmarks/echo.py")]
HOLDING = [sys.executable, str(Path(__file__).with_name("holding.py"))]
SOON = Link(rtt_ms=1, mbit_s=100)
GONE_S = 10


def between(link: Emulated, *what: int) -> dict[str, list[float]]:
    """What echo.py measures over a link, with a process on each side."""
    address = link.addresses["server"]
    with subprocess.Popen(link.command("server", [*ECHO, "serve", address]), stdout=subprocess.PIPE) as server:
        assert server.stdout
        server.stdout.readline()
        asked = link.command("client", [*ECHO, "call", address, *map(str, what)])
        answer: dict[str, list[float]] = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    return answer


def namespaces() -> set[str]:
    return {path.name for path in _namespaces.MOUNTED.glob("frontier-*-*-*-*")}


def devices() -> set[str]:
    return {name for _, name in socket.if_nameindex() if name.startswith("frontier")}


def running(pid: int) -> bool:
    return _namespaces._started(pid) is not None


def carried_by_us(link: Emulated) -> None:
    if link.by == "netem":
        pytest.skip("this kernel has netem: the link goes on without its process until the context ends")


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return held


@pytest.fixture
def holding(root: None) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A caller in a process of its own, and what it holds."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(HOLDING, text=True, **pipes) as caller:
        assert caller.stdout
        yield caller, json.loads(caller.stdout.readline())
        caller.kill()


def test_round_trips_and_rate_are_near_what_was_set(root: None) -> None:
    with emulated(Link(rtt_ms=20, mbit_s=100)) as link:
        measured = between(link, 20, 4 << 20)
        late = link.lateness_ms(anew=True)
        assert (late is None) if link.by == "netem" else (late is not None and late > 0)
        assert link.by in {"netem", "tun"}
        assert link.congestion
    assert min(measured["rtt_ms"]) >= 20
    assert statistics.median(measured["rtt_ms"]) <= 60
    assert measured["mbit_s"][0] <= 120


def test_links_at_the_same_time_do_not_meet(root: None) -> None:
    with emulated(SOON) as one, emulated(Link(rtt_ms=40, mbit_s=100)) as other:
        assert one.addresses == other.addresses
        assert not set(one.namespaces.values()) & set(other.namespaces.values())
        assert statistics.median(between(one, 5)["rtt_ms"]) < 40 <= min(between(other, 5)["rtt_ms"])


def test_a_connection_keeps_its_speed_through_a_silence(root: None) -> None:
    with emulated(SOON) as link:
        for side in _namespaces.SIDES:
            asked = link.command(side, ["cat", "/proc/sys/net/ipv4/tcp_slow_start_after_idle"])
            assert subprocess.run(asked, check=True, capture_output=True).stdout == b"0\n"


def test_nothing_is_left_after_an_exception(root: None) -> None:
    with pytest.raises(KeyboardInterrupt), emulated(SOON) as link:  # noqa: PT012 the context is what is tested
        program = [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(1000)"]
        inside = subprocess.Popen(link.command("client", program), stdout=subprocess.PIPE)
        assert inside.stdout is not None
        inside.stdout.readline()
        raise KeyboardInterrupt
    inside.communicate(timeout=GONE_S)
    assert inside.returncode == -signal.SIGKILL
    assert link.process.returncode == 0
    assert not namespaces() & set(link.namespaces.values())
    assert within(GONE_S, lambda: not devices())  # another link's is here for a moment before it is moved inside


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_caller_is_ended(
    holding: tuple[subprocess.Popen[str], dict[str, Any]], ending: signal.Signals
) -> None:
    caller, held = holding
    assert set(held["namespaces"]) <= namespaces()
    caller.send_signal(ending)
    assert caller.wait(GONE_S) != 0
    assert within(GONE_S, lambda: not namespaces() & set(held["namespaces"]))
    assert within(GONE_S, lambda: not any(map(running, [held["link"], *held["inside"]])))


def test_what_two_killed_processes_left_is_removed_at_the_next_start(
    holding: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    caller, held = holding
    os.kill(held["link"], signal.SIGKILL)
    caller.kill()
    caller.wait(GONE_S)
    assert set(held["namespaces"]) <= namespaces()
    with emulated(SOON) as link:
        assert not namespaces() & set(held["namespaces"])
        assert set(link.namespaces.values()) <= namespaces()
    assert not any(map(running, held["inside"]))


def test_the_peers_notice_that_the_link_was_killed_and_all_is_removed(root: None) -> None:
    with emulated(SOON) as link:
        carried_by_us(link)
        address = link.addresses["server"]
        with subprocess.Popen(link.command("server", [*ECHO, "serve", address]), stdout=subprocess.PIPE) as server:
            assert server.stdout
            server.stdout.readline()
            link.process.kill()
            link.process.wait(GONE_S)
            calling = link.command("client", [*ECHO, "call", address, "1"])
            assert b"OSError" in subprocess.run(calling, check=False, capture_output=True, timeout=30).stderr
            server.kill()
        with pytest.raises(BlockedError, match="the link's process is gone"):
            link.lateness_ms()
    assert not namespaces() & set(link.namespaces.values())


def test_a_link_that_is_killed_in_the_middle_lets_the_peers_time_out(root: None) -> None:
    waits = "import socket; c = socket.create_connection(('{}', 5001), 2); print(1, flush=True); c.recv(1)"
    listens = "import socket, time; s = socket.create_server(('{}', 5001)); print(1, flush=True); time.sleep(60)"
    with emulated(SOON) as link:
        carried_by_us(link)
        peers = []
        for side, program in (("server", listens), ("client", waits)):
            run = link.command(side, [sys.executable, "-c", program.format(link.addresses["server"])])
            peers.append(subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            assert peers[-1].stdout.readline() == "1\n"
        link.process.kill()
        assert "TimeoutError" in peers[1].communicate(timeout=GONE_S)[1]
    assert peers[0].communicate(timeout=GONE_S)[0] == ""
    assert not namespaces() & set(link.namespaces.values())


def test_netem_is_asked_for_this_delay_and_rate_on_both_sides(root: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def without_netem(name: str, *arguments: str, given: str | None = None) -> str:
        """As on a kernel that has it, with a discipline in its place that every kernel has."""
        if name == "tc" and "netem" in arguments:
            asked.append(arguments[arguments.index("netem") :])
            arguments = (*arguments[: arguments.index("netem")], "pfifo")
        return _namespaces.call(name, *arguments, given=given)

    monkeypatch.setattr(_link_process, "call", without_netem)
    names = _namespaces.names()
    try:
        for name in names.values():
            _namespaces.call("ip", "netns", "add", name)
        assert _link_process._netem_joins(names, 40, 400)
        joined = Emulated(SOON, "netem", _namespaces.ADDRESSES, "", names, None)  # type: ignore[arg-type]
        assert len(between(joined, 3, 1 << 20)["rtt_ms"]) == 3
    finally:
        _namespaces.remove(names.values())
    assert set(asked) == {("netem", "delay", "20.000000ms", "rate", "400.000000mbit", "limit", "1333")}
    assert len(asked) == 3  # the first one only tries


def test_round_trips_that_no_party_would_wait_for_are_refused() -> None:
    with (
        pytest.raises(InputError, match="round trips too long to measure") as raised,
        emulated(Link(rtt_ms=5000, mbit_s=10)),
    ):
        pass
    assert "frontier price --link" in str(raised.value)


def test_who_is_not_root_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BlockedError, match=r"takes root.*\n.*two hosts"), emulated(SOON):
        pass


def test_a_machine_without_ip_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(_emulated, "tool", lambda name: None)
    with pytest.raises(BlockedError, match=r"no program 'ip'\n.*iproute2"), emulated(SOON):
        pass


def test_what_the_kernel_refuses_is_said_in_its_words(root: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_emulated, "names", lambda: {"client": "frontier-no/such", "server": "frontier-no/other"})
    with pytest.raises(BlockedError, match=r"ip netns add frontier-no/such: .*\n.*two hosts"), emulated(SOON):
        pass


def test_a_kernel_without_tun_devices_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_link_process, "DEVICES", str(tmp_path / "tun"))
    with pytest.raises(_namespaces.Refused, match="neither the queueing discipline netem nor"):
        _link_process._tun_joins({"client": "a", "server": "b"}, 1, 1)
