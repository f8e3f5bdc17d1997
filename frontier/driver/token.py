"""The token of a Ray cluster: where Ray looks for one. It is never kept or printed here, so it can reach no log."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from frontier.errors import BlockedError

MODE = "RAY_AUTH_MODE"
TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105 the name of Ray's variable
FILE = "RAY_AUTH_TOKEN_PATH"
USUAL = "~/.ray/auth_token"
GENERATE = "ray get-auth-token --generate"


def place() -> str | None:
    """The variable or the file that Ray would take the token from, in Ray's own order; None: there is no token.

    Raises BlockedError where RAY_AUTH_TOKEN_PATH names a file that cannot be read or is empty: Ray looks no further.
    """
    if os.environ.get(TOKEN):
        return TOKEN
    named = os.environ.get(FILE)
    file = Path(named or USUAL).expanduser()
    if _holds_something(file):
        return str(file)
    if named:
        raise BlockedError(f"{FILE} names '{file}', which holds no token that can be read; correct or unset {FILE}")
    return None


def required() -> None:
    """Raises BlockedError, which names the command, where there is no token to join a cluster with."""
    if place() is None:
        raise BlockedError(
            "a cluster is joined with its token, and there is none here; copy the one of its head node to "
            f"{USUAL}, or name the file by {FILE}. A cluster that has none yet gets one by '{GENERATE}' on its head "
            "node, and is started again with RAY_AUTH_MODE=token"
        )


def readable_by_others() -> bool:
    """Whether the token lies in a file that others on this machine may read."""
    where = place()
    if where is None or where == TOKEN:
        return False
    return bool(Path(where).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _holds_something(file: Path) -> bool:
    try:
        return bool(file.read_bytes().strip())
    except OSError:
        return False
