"""A packet arrives when the wire has carried what came before it and itself, and half a round trip later."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from frontier.engines import _relay
from frontier.engines._relay import PREFIX, Way, carry

SMALL = PREFIX.pack(0, 0, 0, 0, 0, 0)
MS = 1_000_000


class Clock:
    """Stands where it is put."""

    now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_relay, "monotonic_ns", clock)
    return clock


@pytest.fixture
def ends() -> Iterator[list[socket.socket]]:
    """A sender, the device it sends into, the device it comes out of, and a receiver; packets stay whole."""
    pairs = [*socket.socketpair(type=socket.SOCK_DGRAM), *socket.socketpair(type=socket.SOCK_DGRAM)]
    for end in pairs:
        end.setblocking(False)
    yield pairs
    for end in pairs:
        end.close()


def arrived(receiver: socket.socket) -> list[bytes]:
    packets = []
    while True:
        try:
            packets.append(receiver.recv(1 << 17)[PREFIX.size :])
        except BlockingIOError:
            return packets


def test_packets_queue_for_the_wire_and_then_cross_at_once(clock: Clock, ends: list[socket.socket]) -> None:
    sender, source, target, receiver = ends
    way = Way(source.fileno(), target.fileno(), rtt_ms=10, mbit_s=8)  # 1 kB a ms
    for letter in b"ab":
        sender.send(SMALL + bytes([letter]) * 1000)
    way.take(0)
    came = []
    for clock.now in range(0, 9 * MS, MS // 2):
        way.deliver()
        came += [(clock.now / MS, packet[:1]) for packet in arrived(receiver)]
    assert came == [(6, b"a"), (7, b"b")]
    assert way.late_ns == 0


def test_what_comes_too_late_is_noted(clock: Clock, ends: list[socket.socket]) -> None:
    sender, source, target, _ = ends
    way = Way(source.fileno(), target.fileno(), rtt_ms=10, mbit_s=8)
    sender.send(SMALL + bytes(1000))
    way.take(0)
    clock.now = 9 * MS
    way.deliver()
    assert way.late_ns == 3 * MS


def test_a_full_queue_drops_what_comes_and_an_idle_wire_starts_anew(clock: Clock, ends: list[socket.socket]) -> None:
    sender, source, target, receiver = ends
    way = Way(source.fileno(), target.fileno(), rtt_ms=0, mbit_s=8)
    way.queue_ns = 2 * MS
    for letter in b"abcde":
        sender.send(SMALL + bytes([letter]) * 1000)
    way.take(0)
    clock.now = 100 * MS
    way.deliver()
    assert [packet[:1] for packet in arrived(receiver)] == [b"a", b"b", b"c"]
    sender.send(SMALL + b"f" * 1000)
    way.take(0)
    clock.now += MS
    way.deliver()
    assert [packet[:1] for packet in arrived(receiver)] == [b"f"]


def test_every_segment_of_a_large_packet_pays_for_its_header() -> None:
    header, segment = 52, 1448
    large = PREFIX.pack(1, 1, header, segment, 0, 0) + bytes(header + 2 * segment + 1)
    assert _relay._wire_bytes(large) == 3 * header + 2 * segment + 1
    assert _relay._wire_bytes(SMALL + bytes(1500)) == 1500


def test_it_carries_until_someone_calls(ends: list[socket.socket]) -> None:
    sender, source, target, receiver = ends
    called, call = os.pipe()
    sender.send(SMALL + b"packet")
    os.write(call, b"?")
    way = Way(source.fileno(), target.fileno(), rtt_ms=0, mbit_s=1e6)
    assert carry((way,), (called,)) == [called]
    while way.waiting:
        carry((way,), (called,))
    assert arrived(receiver) == [b"packet"]
    os.close(called)
    os.close(call)
