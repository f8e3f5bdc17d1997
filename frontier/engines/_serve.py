"""`python -m frontier.engines._serve BUNDLE ENGINE FRACTION_BITS HOST`: the server that a measurement starts here.

It prints its port, serves the client that started it, and ends. Its standard input is a pipe that the client holds: at
its end, however the client ended, this process ends too.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from frontier.errors import FrontierError

PATIENCE_S = 60.0  # for a client that is already running


def main(words: list[str]) -> int:
    """Returns the exit code that the command line would have."""
    threading.Thread(target=_watch_parent, daemon=True).start()
    folder, engine, fraction_bits, host = words
    try:
        from frontier.engines._parties import serve

        serve(Path(folder), engine, int(fraction_bits), (host, 0), _print_port, patience_s=PATIENCE_S)
    except FrontierError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _watch_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not sys.stdin.buffer: a lock on it would upset the interpreter's end
        continue
    os._exit(1)


def _print_port(host: str, port: int) -> None:
    print(port, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
