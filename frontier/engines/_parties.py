"""The two parties as processes: a server on one host and its client on another, or both here.

Whatever happens to the client, the server that it started ends: it is told, then terminated, then killed, and it sees
the end of its standard input if the client could do none of that.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO

import torch

from frontier.engines._channel import Channel
from frontier.engines._emulated import Emulated
from frontier.engines._job import Job, prepare
from frontier.engines._session import Client, as_client, as_server
from frontier.engines._sockets import Address, accepted, connected, listening
from frontier.errors import BlockedError, Interrupted

THREADS = 1  # a second one made ReLUs thirty times slower on a shared machine
START_S = 60.0  # for a process to import torch and to lower a network
END_S, STOP_S = 10.0, 0.5  # for a process to end by itself after its work, and when it is told to
LOOPBACK = "127.0.0.1"
OnListening = Callable[[str, int], None]


def serve(
    folder: Path,
    engine: str,
    fraction_bits: int,
    address: Address,
    on_listening: OnListening,
    *,
    patience_s: float | None = None,
) -> None:
    """Be the server of one session; `on_listening` is told where. Raises BlockedError when the client is lost."""
    with single_thread():
        job = prepare(folder, engine, fraction_bits)
        with listening(address) as server:
            on_listening(*server.getsockname()[:2])
            connection = accepted(server, patience_s)
        with contextlib.closing(Channel(connection)) as channel:
            as_server(job, channel)


@contextlib.contextmanager
def client(job: Job, address: Address) -> Iterator[Client]:
    """Be the client of the server at an address."""
    with contextlib.closing(Channel(connected(address))) as channel:
        party = as_client(job, channel)
        yield party
        party.end()


@contextlib.contextmanager
def server_here(
    folder: Path, engine: str, fraction_bits: int, between: Emulated | None = None
) -> Iterator[Callable[[], Address]]:
    """A server process on this host, at the far end of the link where one is emulated. It is getting ready, and what
    is yielded waits until it listens, and says where.

    What it complained about is added to the error that it caused."""
    host = LOOPBACK if between is None else between.addresses["server"]
    words = [sys.executable, "-m", "frontier.engines._serve", str(folder), engine, str(fraction_bits), host]
    words = words if between is None else between.command("server", words)
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603 our own module
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=os.environ | {"OMP_NUM_THREADS": str(THREADS)},
            start_new_session=True,  # a Ctrl-C is for the client, which ends the server
        )
        try:
            yield lambda: (host, _port(process))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
        except BlockedError as error:
            said = _said(process, complaints)
            raise BlockedError(f"{error}\n  the server process: {said}" if said else str(error)) from None
        finally:
            _stop(process)


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline() if ready else b""
    if not line.strip().isdigit():
        raise BlockedError("the server process did not start")
    return int(line)


def _said(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    complaints.seek(0)
    said = complaints.read().decode(errors="replace").strip()
    killed = process.returncode is not None and process.returncode < 0
    return f"{said} (it was ended by signal {-process.returncode})".lstrip() if killed else said


def _stop(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    for stop in (process.terminate, process.kill):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
            return
        stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
            return


@contextlib.contextmanager
def single_thread() -> Iterator[None]:
    """torch on one thread, as the other party is."""
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM raises Interrupted, as Ctrl-C raises KeyboardInterrupt, so that nothing is left running."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted("stopped by SIGTERM")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
