"""The command `frontier`: runs a verb and turns what went wrong into a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from frontier.disk import full_disk, is_full
from frontier.errors import BlockedError, FrontierError


def main() -> None:
    """The command."""
    guarded(_run)


def guarded(run: Callable[[], int | None], interrupted: str = "interrupted") -> None:
    """Run a program, the command or a benchmark, and exit with the code that it returns or that its error carries.

    Exit codes: 0 ok, 1 internal, 2 input, 3 blocked or a missing extra, 4 too many failures, 5 verification failed,
    130 interrupted.
    """
    try:
        if code := run():
            sys.exit(code)
    except FrontierError as error:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the exit code is decided: one more Ctrl-C must not change it
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print(interrupted, file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away (`frontier show ... | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 the last line of defence: whatever is left is a defect of ours
        if is_full(error):
            print(f"error: {full_disk(error)}", file=sys.stderr)  # noqa: T201
            sys.exit(BlockedError.exit_code)
        traceback.print_exc()
        print("error: this is a defect in frontier, not in your input", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _run() -> None:
    try:
        from frontier.cli._app import app
    except ModuleNotFoundError as error:
        if sys.argv[1:2] != ["trial"]:
            cure = "pip install relu-frontier"
            raise BlockedError(f"the command line needs {error.name}, except for 'trial'; run: {cure}") from None
        from frontier.trial.__main__ import main as one_trial

        sys.exit(one_trial(sys.argv[2:]))
    app()


if __name__ == "__main__":
    main()
