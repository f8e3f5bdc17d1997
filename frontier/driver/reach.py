"""What a stranger reaches of a cluster: a jobs API that asks for no token, and ports that face every network."""

from __future__ import annotations

import contextlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from frontier.errors import InputError

WAIT_S = 10.0
LISTENING = "0A"  # of the states in /proc/net/tcp
JOBS = "/api/jobs/"


def checked(address: str) -> str:
    """The address of a jobs API, without a slash at its end. Raises InputError for one that is none, or that carries a
    user, a password or a query: those are not quoted then."""
    if not re.fullmatch(r"https?://[^@?#\s]*[^@?#\s/]/*", address):
        raise InputError(
            "not the address of a jobs API",
            where="--address",
            expected="http://HOST:8265, with neither user and password nor a query",
            got=re.sub(r"[?#].*", "?...", re.sub(r".*@", "***@", address)),
            fix="give that of the head node's dashboard; HOST:6379 is for 'frontier search' on one of its machines",
        )
    return address.rstrip("/")


def status_without_token(address: str) -> int | None:
    """What the jobs API answers to somebody who has no token: 200 to let anyone run anything, 401 to refuse.

    None: nothing answers there.
    """
    try:
        with urllib.request.urlopen(checked(address) + JOBS, timeout=WAIT_S) as answer:  # noqa: S310 http or https
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code
    except (OSError, http.client.HTTPException):  # HTTPException: something answers, and not in HTTP
        return None


def open_ports() -> dict[int, str]:
    """Ports of this machine on which a process of Ray listens on all interfaces, with the process's name.

    Of processes that we may not look into nothing is known: they are left out.
    """
    sockets = dict(_listening_everywhere())
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended, or belongs to somebody else
            name = _name_of_ray((folder / "cmdline").read_bytes().decode(errors="replace"))
            if name:
                found |= {sockets[inode]: name for inode in _sockets_of(folder) if inode in sockets}
    return dict(sorted(found.items()))


def _listening_everywhere() -> Iterator[tuple[str, int]]:
    """(inode, port) of the TCP sockets that listen on 0.0.0.0 or ::."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):  # no IPv6 here
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                host, _, port = fields[1].partition(":")
                if fields[3] == LISTENING and not host.strip("0"):
                    yield fields[9], int(port, 16)


def _sockets_of(process: Path) -> Iterator[str]:
    for descriptor in (process / "fd").iterdir():
        with contextlib.suppress(OSError):
            kind, _, inode = str(descriptor.readlink()).partition(":")
            if kind == "socket":
                yield inode.strip("[]")


def _name_of_ray(command: str) -> str | None:
    """`raylet`, `gcs_server`, `dashboard`, `agent` or `ray::WHAT` for a process of Ray."""
    words = command.split("\0")
    program = Path(words[0]).name
    if program in ("raylet", "gcs_server") or program.startswith("ray::"):
        return program
    scripts = [word for word in words if "/ray/" in word and word.endswith(".py")]
    return Path(scripts[0]).stem if scripts else None
