"""Round trips and bulk rates of two processes: `echo.py serve ADDRESS`, and `echo.py call ADDRESS ECHOES BYTES...`.

The server says `ready` when it listens. The caller prints one line of JSON: `rtt_ms`, one number an echo, and `mbit_s`,
one for each transfer in the order given, all over one connection: what the server took in over the seconds from the
first byte's sending to the acknowledgement, less the median round trip.
"""

import json
import socket
import statistics
import struct
import sys
import time

PORT = 5000
PATIENCE_S = 20
SIZE = struct.Struct("!Q")
CHUNK = bytes(1 << 16)


def main() -> None:
    role, address, *numbers = sys.argv[1:]
    if role == "serve":
        serve(address)
    else:
        print(json.dumps(call(address, *map(int, numbers))))


def serve(address: str) -> None:
    with socket.create_server((address, PORT)) as listening:
        listening.settimeout(PATIENCE_S)
        print("ready", flush=True)
        connection = at_once(listening.accept()[0])
        into = bytearray(1 << 20)
        while head := connection.recv(SIZE.size, socket.MSG_WAITALL):
            left = SIZE.unpack(head)[0]
            while left:
                left -= connection.recv_into(into, min(left, len(into)))
            connection.sendall(b"!")


def call(address: str, echoes: int, *sizes: int) -> dict[str, list[float]]:
    with at_once(socket.create_connection((address, PORT), PATIENCE_S)) as connection:
        send(connection, 0)
        round_trips = [send(connection, 0) for _ in range(echoes)]
        middle = statistics.median(round_trips)
        rates = [8e-6 * size / (send(connection, size) - middle) for size in sizes]
    return {"rtt_ms": [1e3 * trip for trip in round_trips], "mbit_s": rates}


def send(connection: socket.socket, size: int) -> float:
    """Seconds until the other side says that it has all of it."""
    started = time.perf_counter()
    connection.sendall(SIZE.pack(size))
    for begin in range(0, size, len(CHUNK)):
        connection.sendall(CHUNK[: size - begin])
    if connection.recv(1) != b"!":
        raise ConnectionError("the other side is gone")
    return time.perf_counter() - started


def at_once(connection: socket.socket) -> socket.socket:
    connection.settimeout(PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


if __name__ == "__main__":
    main()
