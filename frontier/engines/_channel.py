"""Channel: one TCP connection between two parties. Frames are a header of 16 bytes and raw bytes; no pickle crosses it.

Every frame's kind and size are known beforehand and checked, texts are JSON of a bounded size. All waiting ends: a
party says every second that it is alive, and one from which nothing comes for `SILENCE_S` is given up.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from frontier.engines._frames import ALIVE, HEADER, MAGIC, TEXT, WORDS, Incoming, advance, words_of
from frontier.errors import BlockedError

ALIVE_S, SILENCE_S = 1.0, 5.0  # the rest of ten seconds is for stopping the other process
ENGINE = "engine"  # the purpose of what ReLUs and squares exchange
CUT = "it ended the connection"


@dataclass
class Tally:
    """Payload of one purpose: bytes each way, exchanges in which both send at once, and headers apart."""

    sent_bytes: int = 0
    received_bytes: int = 0
    rounds: int = 0


@final
class Channel:
    """A connected socket. `tally` counts by purpose, and `headers` the bytes of all frames' headers, both ways."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        self._socket = connection
        self._sending = threading.Lock()
        self._closed = threading.Event()
        self._broken: str | None = None
        self.peer = _text(connection.getpeername())
        self.reset()
        threading.Thread(target=self._stay_alive, daemon=True).start()

    def reset(self) -> None:
        """Begin to count anew."""
        self.tally: dict[str, Tally] = {}
        self.headers = 0

    def counted(self, purpose: str) -> Tally:
        """What was counted so far for a purpose."""
        return self.tally.setdefault(purpose, Tally())

    def close(self) -> None:
        """The other party sees the end of the connection."""
        self._closed.set()
        self._socket.close()

    @property
    def congestion(self) -> str:
        """The socket's congestion control, as the kernel calls it; empty where it does not say."""
        if not hasattr(socket, "TCP_CONGESTION"):
            return ""
        with contextlib.suppress(OSError):
            return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).split(b"\0")[0].decode()
        return ""

    def check(self) -> None:
        """Raises BlockedError if the other party is known to be gone."""
        if self._broken is not None:
            raise self._lost(self._broken)

    def hosts(self) -> tuple[str, str]:
        """The addresses that this connection has here and at the other party, without their ports."""
        return str(self._socket.getsockname()[0]), str(self._socket.getpeername()[0])

    def wait_for(self, descriptor: int, within_s: float, check: Callable[[], None] = lambda: None) -> bool:
        """Until a pipe of this process can be read, while the other party is alive and need not say anything else.

        False if it takes longer than `within_s`. Raises BlockedError if the other party is gone, or silent, and what
        `check` raises, which is asked again and again."""
        began = heard = time.monotonic()
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        while not waiting.poll(250):
            self.check()
            check()
            now = time.monotonic()
            heard = now if self._sign_of_life() else heard
            if now - heard > SILENCE_S:
                raise self._lost(f"nothing was heard for {SILENCE_S:g} s")
            if now - began > within_s:
                return False
        return True

    def exchange(self, tensors: Sequence[Tensor], purpose: str) -> list[Tensor]:
        """Both parties send int64 tensors of the same shapes at once; returns the other's. One round."""
        mine = [words_of(tensor) for tensor in tensors]
        theirs = np.empty(sum(map(len, mine)), np.int64)
        self._move(WORDS, [memoryview(part.data).cast("B") for part in mine], memoryview(theirs.data).cast("B"))
        counted = self.counted(purpose)
        counted.sent_bytes += theirs.nbytes
        counted.received_bytes += theirs.nbytes
        counted.rounds += 1
        parts = torch.split(torch.from_numpy(theirs), [len(part) for part in mine])
        return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]

    def send(self, words: Tensor, purpose: str) -> None:
        """One way; the other party receives as many."""
        mine = words_of(words)
        self._move(WORDS, [memoryview(mine.data).cast("B")], None)
        self.counted(purpose).sent_bytes += mine.nbytes

    def receive(self, count: int, purpose: str) -> Tensor:
        """So many int64 numbers, (count,)."""
        theirs = np.empty(count, np.int64)
        self._move(None, [], memoryview(theirs.data).cast("B"))
        self.counted(purpose).received_bytes += theirs.nbytes
        return torch.from_numpy(theirs)

    def tell(self, message: dict[str, Any]) -> None:
        """Send a JSON object."""
        self._move(TEXT, [memoryview(json.dumps(message, allow_nan=False).encode())], None)

    def hear(self) -> dict[str, Any]:
        """Receive a JSON object."""
        found = self._move(None, [], None, text=True)
        try:
            message = json.loads(bytes(found))
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise self._lost("it sent what is no message of frontier")
        return message

    def _lost(self, reason: str) -> BlockedError:
        return BlockedError(
            f"the other party at {self.peer} is lost: {reason}\n  to do: look at what it printed, then start both again"
        )

    def _move(
        self, kind: int | None, out: list[memoryview], into: memoryview | None, *, text: bool = False
    ) -> memoryview:
        """Send one frame of a kind (None: none) and meanwhile receive one: words into a buffer, or a text."""
        out = [part for part in out if part.nbytes]
        incoming = Incoming(into, text=text) if text or into is not None else None
        with contextlib.ExitStack() as locked:
            if kind is not None:
                locked.enter_context(self._sending)
                out.insert(0, memoryview(HEADER.pack(MAGIC, kind, sum(part.nbytes for part in out))))
                self.headers += HEADER.size
            try:
                for _ in self._pump(out, incoming):
                    locked.close()  # all is sent: others may send while the rest is awaited
            except OSError as error:
                raise self._lost(error.strerror or str(error)) from None
        if incoming is None:
            return memoryview(b"")
        self.headers += HEADER.size
        return incoming.payload

    def _pump(self, out: list[memoryview], incoming: Incoming | None) -> Iterator[None]:
        """Until all is sent and received; yields once when all is sent."""
        heard, sent = time.monotonic(), False
        while True:
            moved = 0
            with contextlib.suppress(BlockingIOError):
                while out:
                    moved += advance(out, self._socket.sendmsg(out))
            if not out and not sent:
                sent = True
                yield
            with contextlib.suppress(BlockingIOError):
                while incoming is not None and not incoming.complete:
                    count = self._socket.recv_into(incoming.room())
                    if count == 0:
                        raise self._lost(CUT)
                    moved += count
                    if not incoming.took(count):
                        raise self._lost("it sent another frame than what was to come: are both the same version?")
            if not out and (incoming is None or incoming.complete):
                return
            now = time.monotonic()
            heard = now if moved else heard
            if now - heard > SILENCE_S:
                raise self._lost(f"nothing moved for {SILENCE_S:g} s")
            wanted = (select.POLLOUT if out else 0) | (select.POLLIN if incoming is not None else 0)
            self._wait(wanted)

    def _sign_of_life(self) -> bool:
        """Whether a frame has come; those that say no more than that are taken away, others are left for later."""
        found = False
        try:
            while (head := self._socket.recv(HEADER.size, socket.MSG_PEEK)) == HEADER.pack(MAGIC, ALIVE, 0):
                self._socket.recv(HEADER.size)
                found = True
        except BlockingIOError:
            return found
        except OSError as error:
            raise self._lost(error.strerror or str(error)) from None
        if not head:
            raise self._lost(CUT)
        return found or len(head) == HEADER.size

    def _wait(self, wanted: int) -> None:
        poll = select.poll()
        poll.register(self._socket, wanted)
        poll.poll(250)

    def _stay_alive(self) -> None:
        """Say so every second, where no frame is being sent; note when the other party is gone."""
        frame = HEADER.pack(MAGIC, ALIVE, 0)
        while not self._closed.wait(ALIVE_S):
            if not self._sending.acquire(blocking=False):
                continue
            try:
                if self._socket.send(frame) != len(frame):
                    self._socket.shutdown(socket.SHUT_RDWR)  # frames after half a one would not be understood
                if self._socket.recv(1, socket.MSG_PEEK) == b"":
                    self._broken = CUT
            except BlockingIOError:
                continue
            except OSError as error:
                self._broken = self._broken or error.strerror or str(error)
            finally:
                self._sending.release()


def _text(address: tuple[Any, ...]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
