"""Searches as Ray jobs: the driver runs on the cluster, and whoever has its token submits, lists and follows from afar.

A job dies with its cluster and is not started again by Ray: the study is, by a job with --resume.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import shlex
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ray.exceptions import AuthenticationError
from ray.job_submission import JobDetails, JobSubmissionClient

from frontier.driver import token
from frontier.driver.cluster import environment
from frontier.errors import BlockedError, InputError, nearest

MARK = "frontier"  # the key of a job's metadata that says that it is ours
# Patterns of .gitignore, in which '/' at the front means the top: frontier/data is code and travels.
STAYS = (
    "/results/*",
    "!/results/published",
    "/data",
    "/reports/rendered",
    "/docker/secrets",
    "/.git",
    "/.venv",
    "/.venv-*",
    "/.tools",
    "/.env",
    ".*_cache",
    "/.hypothesis",
    "__pycache__",
)
ELSEWHERE = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")  # Ray would follow these and not the address that is given
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


@dataclass(frozen=True)
class Job:
    """A search as the cluster knows it. Times are ISO 8601 in UTC, None before it began or ended; `exit_code` is the
    driver's own, None while it runs and where the cluster does not know."""

    id: str
    study: str
    space: str
    state: str  # PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED
    message: str
    started_at: str | None
    ended_at: str | None
    exit_code: int | None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


def submit(
    address: str, words: Sequence[str], *, folder: Path, space: str, study: str, variables: Mapping[str, str]
) -> str:
    """Starts `words` on the cluster in a copy of `folder` without what STAYS, and hands back the submission's id.

    `variables` and `words` can be read by everyone who has the token: nothing secret belongs in them.
    Raises BlockedError and InputError as `_client` does.
    """
    runtime = {
        "working_dir": str(folder),
        "excludes": list(STAYS),
        "env_vars": {**variables, token.MODE: "token"},
    }
    with _client(address) as client:
        made: str = client.submit_job(
            entrypoint=shlex.join(words),
            submission_id=f"{MARK}-{study}-{uuid.uuid4().hex[:8]}",
            runtime_env=runtime,
            metadata={MARK: "search", "space": space, "study": study},
            entrypoint_num_cpus=0,  # it waits; what computes asks for its own
        )
    return made


def jobs(address: str) -> list[Job]:
    """The searches that the cluster remembers, oldest first."""
    with _client(address) as client:
        return _ours(client)


def log(address: str, job: str) -> tuple[Job, str]:
    """One search and everything that it has printed. Raises InputError where the cluster knows no such search."""
    with _client(address) as client:
        return _named(client, address, job), client.get_job_logs(job)


def follow(address: str, job: str, show: Callable[[str], None]) -> Job:
    """Calls `show` with what the search prints, from its beginning, until it ends; then says how it stands."""

    async def tail() -> None:
        async for lines in client.tail_job_logs(job):
            show(lines)

    with _client(address) as client:
        _named(client, address, job)
        asyncio.run(tail())
        return _named(client, address, job)


def _named(client: JobSubmissionClient, address: str, job: str) -> Job:
    known = {one.id: one for one in _ours(client)}
    if job not in known:
        raise InputError(f"the cluster knows no search '{job}'. {nearest(job, known)}", where=address)
    return known[job]


def _ours(client: JobSubmissionClient) -> list[Job]:
    ours = [one for one in client.list_jobs() if MARK in (one.metadata or {}) and one.submission_id]
    return [_job(one) for one in sorted(ours, key=lambda one: one.start_time or 0)]


def _job(details: JobDetails) -> Job:
    about = details.metadata or {}
    return Job(
        id=str(details.submission_id),
        study=about.get("study", ""),
        space=about.get("space", ""),
        state=str(details.status.value),
        message=details.message or "",
        started_at=_when(details.start_time),
        ended_at=_when(details.end_time),
        exit_code=details.driver_exit_code,
    )


def _when(milliseconds: int | None) -> str | None:
    if not milliseconds:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def _client(address: str) -> Iterator[JobSubmissionClient]:
    """Ray's client of the jobs API at `address`, with the token.

    Raises BlockedError without the client's libraries or a token, where nothing answers, and for another token than
    the cluster's; InputError for a file of the working tree that cannot be read.
    """
    if importlib.util.find_spec("aiohttp") is None:
        raise BlockedError("Ray's job client needs aiohttp; run: pip install 'relu-frontier[cluster]'")
    token.required()
    logging.getLogger("ray").setLevel(logging.ERROR)
    with environment({}, without=ELSEWHERE):
        try:
            yield JobSubmissionClient(address)
        except AuthenticationError:
            raise BlockedError(
                f"the cluster at {address} refused our token ({token.place()}); it must be that of its head node"
            ) from None
        except (PermissionError, FileNotFoundError) as error:
            raise InputError("the working tree cannot be packed", got=error) from None
        except OSError:
            raise BlockedError(
                f"nothing answers at {address}; it is the head node's dashboard (port 8265 unless told otherwise), "
                "which is reached from other machines through a tunnel: ssh -L 8265:127.0.0.1:8265 HEAD"
            ) from None
        except RuntimeError as error:
            raise BlockedError(f"the cluster at {address} did not do it: {error}") from None
