"""A link in user space: a packet waits until the wire is free, crosses it at the rate, then takes half a round trip.

Standard library only. A queue that is full drops what comes (drop-tail). The kernel hands over up to 64 kB of one TCP
stream at a time, as to a network card that cuts it into segments itself; on the wire every segment pays for its header.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
from collections import deque
from time import monotonic_ns
from typing import Final, final

DEVICES: Final = "/dev/net/tun"
TUNSETIFF: Final = 0x400454CA
TUNSETOFFLOAD: Final = 0x400454D0
IFF_TUN_NO_PI_VNET_HDR: Final = 0x0001 | 0x1000 | 0x4000
TUN_F_CSUM_TSO4_TSO6: Final = 0x01 | 0x02 | 0x04
PREFIX: Final = struct.Struct("=BBHHHH")  # virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
LARGEST: Final = PREFIX.size + 65536

BURST: Final = 8  # packets that are read before the other direction gets its turn
BEAT_NS: Final = 5_000_000  # the longest sleep: waking up too late shows that packets may have lain unseen
QUEUE_S: Final = 0.01
QUEUE_BYTES: Final = 2 * 65536


def open_device() -> tuple[int, str]:
    """A new TUN device in this network namespace: its descriptor, which is all that keeps it alive, and its name."""
    descriptor = os.open(DEVICES, os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", b"frontier%d", IFF_TUN_NO_PI_VNET_HDR)
    name = fcntl.ioctl(descriptor, TUNSETIFF, request)[:16].rstrip(b"\0").decode()
    fcntl.ioctl(descriptor, TUNSETOFFLOAD, TUN_F_CSUM_TSO4_TSO6)
    return descriptor, name


@final
class Way:
    """One direction of the link, from one device to the other. The queue holds what the wire carries in a round trip,
    at least that of 10 ms, and at least 128 kB."""

    def __init__(self, source: int, target: int, rtt_ms: float, mbit_s: float) -> None:
        self.source, self.target = source, target
        self.byte_ns = 8e3 / mbit_s
        self.delay_ns = rtt_ms * 5e5
        self.queue_ns = max(rtt_ms * 1e6, QUEUE_S * 1e9, QUEUE_BYTES * self.byte_ns)
        self.free_ns = 0.0  # when the wire has carried all that it has taken on
        self.waiting: deque[tuple[float, bytes]] = deque()  # when it is due, with its prefix
        self.late_ns = 0.0

    def take(self, unseen_ns: float) -> None:
        """Reads what has come; `unseen_ns` is how long it may have lain there with nobody looking."""
        for count in range(BURST):
            try:
                packet = os.read(self.source, LARGEST)
            except BlockingIOError:
                break
            now = monotonic_ns()
            starts = max(now, self.free_ns)
            if starts - now <= self.queue_ns:
                self.free_ns = starts + _wire_bytes(packet) * self.byte_ns
                self.waiting.append((self.free_ns + self.delay_ns, packet))
            if not count:
                self.late_ns = max(self.late_ns, unseen_ns)

    def deliver(self) -> None:
        """Writes what is due, and notes how late that is."""
        waiting = self.waiting
        while waiting and (late := monotonic_ns() - waiting[0][0]) >= 0:
            try:
                os.write(self.target, waiting.popleft()[1])
            except OSError:  # as on any wire: whoever sent it will send it again
                continue
            self.late_ns = max(self.late_ns, late)


def _wire_bytes(packet: bytes) -> int:
    """Bytes of IP on the wire: every segment of a large packet has a header of its own."""
    _, segmented, header, segment, _, _ = PREFIX.unpack_from(packet)
    size = len(packet) - PREFIX.size
    return size + header * ((size - header - 1) // segment) if segmented else size


def carry(ways: tuple[Way, ...], until: tuple[int, ...]) -> list[int]:
    """Carries packets until one of the descriptors `until` can be read; those that can."""
    sources = {way.source: way for way in ways}
    watched = [*sources, *until]
    looked = monotonic_ns()
    while True:
        now = monotonic_ns()
        away_ns = now - looked
        wakes = min([now + BEAT_NS, *(way.waiting[0][0] for way in ways if way.waiting)])
        ready = select.select(watched, [], [], max(0.0, wakes - now) / 1e9)[0]
        looked = monotonic_ns()
        for descriptor in ready:
            if descriptor in sources:
                sources[descriptor].take(max(away_ns, looked - wakes))
        for way in ways:
            way.deliver()
        if called := [descriptor for descriptor in ready if descriptor in until]:
            return called
