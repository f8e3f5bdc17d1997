"""Sockets of two parties: an address as text, one connection that is waited for, one that is made."""

from __future__ import annotations

import socket
import time

from frontier.errors import BlockedError, InputError

PATIENCE_S = 8.0  # for a party to be there; one that does not answer is given up within ten seconds
Address = tuple[str, int]


def parse_address(text: str, option: str) -> Address:
    """`HOST:PORT`, or `[HOST]:PORT` of an IPv6 address. Raises InputError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InputError("not an address", where=option, expected="HOST:PORT, such as 127.0.0.1:7000", got=text)
    return host.removeprefix("[").removesuffix("]"), int(port)


def listening(address: Address) -> socket.socket:
    """A socket that takes one connection; port 0 takes a free one. Raises BlockedError where the port is taken."""
    host, port = address
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1)
    except OSError as error:
        raise BlockedError(
            f"cannot listen on {host}:{port}: {error.strerror or error}\n"
            "  to do: give another port, or port 0 for a free one, and an address of this machine"
        ) from None


def accepted(server: socket.socket, patience_s: float | None) -> socket.socket:
    """The connection of the other party; None waits for ever. Raises BlockedError if it does not come."""
    server.settimeout(patience_s)
    try:
        return server.accept()[0]
    except OSError:
        raise BlockedError(f"the other party did not come within {patience_s:g} s") from None


def connected(address: Address) -> socket.socket:
    """A connection to the other party, which may be about to start. Raises BlockedError where nobody is."""
    host, port = address
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return socket.create_connection(address, timeout=max(0.1, until - time.monotonic()))
        except socket.gaierror as error:
            raise InputError(f"no such host ({error.strerror})", where="--connect", got=host) from None
        except OSError as error:
            if time.monotonic() > until - 0.2:
                raise BlockedError(
                    f"nobody answers at {host}:{port}: {error.strerror or error}\n"
                    "  to do: start the server first: frontier measure BUNDLE --listen HOST:PORT"
                ) from None
            time.sleep(0.2)
