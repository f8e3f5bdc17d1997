"""Searches on a cluster from afar, listed and followed by their ids."""

from __future__ import annotations

from collections.abc import Callable

from frontier.driver import jobs as client
from frontier.driver import reach
from frontier.driver.jobs import Job


def jobs(address: str) -> list[Job]:
    """The searches that the cluster remembers, oldest first."""
    return client.jobs(reach.checked(address))


def job(address: str, id: str) -> tuple[Job, str]:  # noqa: A002 the name that people use
    """One search and all that it has printed. Raises InputError with the nearest id where there is none."""
    return client.log(reach.checked(address), id)


def follow(address: str, id: str, show: Callable[[str], None]) -> Job:  # noqa: A002
    """Call `show` with what a search prints, from its beginning until it ends."""
    return client.follow(reach.checked(address), id, show)
