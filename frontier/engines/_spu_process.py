"""`python -m frontier.engines._spu_process`: SPU as one of two parties, in a process of its own beside the party's.

SPU's library ends its process where it cannot send, and takes no notice of signals while it computes: so it does that
here. It reads requests from standard input and answers on standard output, each a frame of `pack`; when its standard
input ends, it ends, whatever it is doing.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading
from typing import IO, Any, NoReturn

SIZES = struct.Struct("!II")  # bytes of the JSON, and of the raw part that follows it
Frame = tuple[dict[str, Any], bytes]


def pack(message: dict[str, Any], raw: bytes = b"") -> bytes:
    """A frame: JSON, and int64 numbers or nothing."""
    text = json.dumps(message).encode()
    return SIZES.pack(len(text), len(raw)) + text + raw


def unpack(stream: IO[bytes]) -> Frame | None:
    """The next frame; None where the other side has closed its end."""
    head = stream.read(SIZES.size)
    if len(head) < SIZES.size:
        return None
    text, raw = SIZES.unpack(head)
    message, numbers = stream.read(text), stream.read(raw)
    return (json.loads(message), numbers) if len(message) == text and len(numbers) == raw else None


def main() -> NoReturn:
    """Ends the process."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints is a complaint
    requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    party = None
    while True:
        message, raw = requests.get()
        try:
            if party is None:
                from frontier.engines._spu_party import Party

                party = Party()
            answer = pack(*party.asked(message, raw))
        except Exception as error:  # noqa: BLE001 the one that asked has to know, whatever it is
            answer = pack({"error": f"{type(error).__name__}: {error}"})
        out.write(answer)
        out.flush()


def _read(requests: queue.SimpleQueue[Frame]) -> None:
    stream = os.fdopen(0, "rb")
    while (frame := unpack(stream)) is not None:
        requests.put(frame)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
