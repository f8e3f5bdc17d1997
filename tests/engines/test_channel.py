"""A connection of two parties: sizes are checked, everything is counted, and every wait ends with a clear error."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from bundles import channels
from torch import Tensor

from frontier.engines import _channel, _sockets
from frontier.engines._channel import Channel, Tally
from frontier.engines._frames import ALIVE, HEADER, LONGEST_TEXT, MAGIC, TEXT, WORDS
from frontier.errors import BlockedError, InputError


def numbers(count: int, start: int = 0) -> Tensor:
    return torch.arange(start, start + count, dtype=torch.int64)


@contextlib.contextmanager
def against_a_socket() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel, and the other end as bytes that a test writes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there, _ = server.accept()
    with contextlib.closing(Channel(here)) as channel, there:
        yield channel, there


@pytest.mark.parametrize("count", [1, 3, 1_000_000])
def test_both_send_at_once_whatever_the_size(count: int) -> None:
    with channels() as (one, other), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(other.exchange, [numbers(count, 5), numbers(2)], "x")
        first, second = one.exchange([numbers(count), numbers(2, 7)], "x")
        assert torch.equal(first, numbers(count, 5))
        assert torch.equal(second, numbers(2))
        assert torch.equal(answer.result()[0], numbers(count))
        size = 8 * (count + 2)
        assert one.tally == other.tally == {"x": Tally(sent_bytes=size, received_bytes=size, rounds=1)}
        assert one.headers == 2 * HEADER.size


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the kernel's own counters are read on Linux")
def test_what_is_counted_is_what_the_kernel_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channel, "ALIVE_S", 60.0)
    with channels() as (one, other), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(other.exchange, [numbers(10_000)], "x")
        one.exchange([numbers(10_000)], "x")
        answer.result()
        one.send(numbers(5), "y")
        other.receive(5, "y")
        info = other._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
        received = int.from_bytes(info[128:136], "little")  # tcpi_bytes_received of linux/tcp.h
        counted = sum(tally.received_bytes for tally in other.tally.values())
        assert received == counted + 2 * HEADER.size


def test_shapes_and_negative_numbers_arrive() -> None:
    sent = torch.tensor([[-(2**63), -1], [2**63 - 1, 0]])
    with channels() as (one, other), ThreadPoolExecutor(1) as pool:
        pool.submit(other.exchange, [sent.T], "x")
        (found,) = one.exchange([sent], "x")
        assert torch.equal(found, sent.T)


def test_one_way_and_texts_are_counted_apart_by_purpose() -> None:
    with channels() as (one, other):
        one.send(numbers(4), "input")
        one.tell({"a": [1, "b"]})
        assert torch.equal(other.receive(4, "input"), numbers(4))
        assert other.hear() == {"a": [1, "b"]}
        assert other.tally == {"input": Tally(received_bytes=32)}
        assert one.headers == other.headers == 2 * HEADER.size


def test_signs_of_life_are_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channel, "ALIVE_S", 0.02)
    monkeypatch.setattr(_channel, "SILENCE_S", 0.5)
    with channels() as (one, other), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(one.receive, 2, "x")
        time.sleep(0.8)  # longer than silence is borne
        other.send(numbers(2), "x")
        assert torch.equal(waiting.result(), numbers(2))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", lambda channel: channel.receive(1, "x")),
        (HEADER.pack(MAGIC, WORDS, 16), lambda channel: channel.receive(1, "x")),
        (HEADER.pack(MAGIC, WORDS, 2**60), lambda channel: channel.exchange([numbers(1)], "x")),
        (HEADER.pack(MAGIC, TEXT, 8), lambda channel: channel.receive(1, "x")),
        (HEADER.pack(MAGIC, WORDS, 8), lambda channel: channel.hear()),
        (HEADER.pack(MAGIC, TEXT, LONGEST_TEXT + 1), lambda channel: channel.hear()),
        (HEADER.pack(MAGIC, ALIVE, 8), lambda channel: channel.hear()),
        (HEADER.pack(MAGIC, 9, 0), lambda channel: channel.hear()),
    ],
)
def test_a_frame_that_was_not_expected_is_refused(sent: bytes, read: Callable[[Channel], Any]) -> None:
    with against_a_socket() as (channel, there):
        there.sendall(sent)
        with pytest.raises(BlockedError, match="another frame than what was to come"):
            read(channel)


@pytest.mark.parametrize("text", [b"\x80\x04]", b"[1]", b"{"])
def test_a_text_that_is_no_message_is_refused(text: bytes) -> None:
    with against_a_socket() as (channel, there):
        there.sendall(HEADER.pack(MAGIC, TEXT, len(text)) + text)
        with pytest.raises(BlockedError, match="no message of frontier"):
            channel.hear()


def test_a_party_that_ends_is_noticed_while_waiting_for_it() -> None:
    with against_a_socket() as (channel, there), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(channel.exchange, [numbers(5)], "x")
        there.sendall(HEADER.pack(MAGIC, WORDS, 40) + bytes(7))
        there.close()
        with pytest.raises(BlockedError, match="is lost") as lost:
            waiting.result(timeout=5)
        assert "to do: " in str(lost.value)


def test_a_party_that_ends_is_noticed_while_working(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channel, "ALIVE_S", 0.02)
    with against_a_socket() as (channel, there):
        channel.check()
        there.close()
        until = time.monotonic() + 5
        while channel._broken is None and time.monotonic() < until:
            time.sleep(0.01)
        with pytest.raises(BlockedError, match="is lost"):
            channel.check()


@pytest.mark.parametrize(
    "act",
    [
        lambda channel: channel.receive(1, "x"),
        lambda channel: channel.exchange([numbers(1)], "x"),
        lambda channel: channel.send(torch.zeros(10_000_000, dtype=torch.int64), "x"),
    ],
    ids=["receive", "exchange", "send"],
)
def test_a_party_that_says_nothing_is_given_up(act: Callable[[Channel], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channel, "SILENCE_S", 0.3)
    with against_a_socket() as (channel, _), pytest.raises(BlockedError, match=r"nothing moved for 0\.3 s"):
        act(channel)


def test_waiting_ends_within_ten_seconds() -> None:
    assert _channel.SILENCE_S + 3 < 10  # and the other process is stopped
    assert _sockets.PATIENCE_S < 10


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(BlockedError, match="cannot listen on 127") as refused:
            _sockets.listening(taken.getsockname()[:2])
        assert "another port" in str(refused.value)


def test_nobody_at_the_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sockets, "PATIENCE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()[:2]
    with pytest.raises(BlockedError, match="nobody answers at 127"):
        _sockets.connected(address)


def test_a_client_that_does_not_come_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(BlockedError, match=r"within 0\.1 s"):
        _sockets.accepted(server, 0.1)


def test_addresses_are_read() -> None:
    assert _sockets.parse_address("host.example:7000", "--listen") == ("host.example", 7000)
    assert _sockets.parse_address("[::1]:0", "--listen") == ("::1", 0)
    for text in ("7000", ":7000", "host:", "host:x", "host:70000"):
        with pytest.raises(InputError, match="--connect: not an address"):
            _sockets.parse_address(text, "--connect")


def test_a_pipe_is_waited_for_while_the_other_party_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channel, "ALIVE_S", 0.1)
    monkeypatch.setattr(_channel, "SILENCE_S", 0.5)
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "wb", 0) as pipe, channels() as (one, other):
        assert not one.wait_for(reading, 1.0)
        other.send(numbers(3), "x")
        other.tell({"a": 1})
        assert not one.wait_for(reading, 0.3)
        pipe.write(b"there")
        assert one.wait_for(reading, 10.0)
        assert torch.equal(one.receive(3, "x"), numbers(3))  # what was said meanwhile is still there
        assert one.hear() == {"a": 1}


def test_a_party_that_is_silent_or_gone_is_not_waited_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_channel, "SILENCE_S", 0.3)
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "wb"):
        with against_a_socket() as (channel, _), pytest.raises(BlockedError, match=r"nothing was heard for 0\.3 s"):
            channel.wait_for(reading, 10.0)
        with against_a_socket() as (channel, there):
            there.close()
            with pytest.raises(BlockedError, match="it ended the connection"):
                channel.wait_for(reading, 10.0)
        with against_a_socket() as (channel, there):
            there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # ends it by a reset
            there.close()
            with pytest.raises(BlockedError, match="reset"):
                channel.wait_for(reading, 10.0)
