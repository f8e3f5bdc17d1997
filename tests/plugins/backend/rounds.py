"""Rounds: asks for `concurrency` trials, runs them one after another in this process, then tells them all.

The sampler knows what it would know with that many workers, and the outcome does not depend on who is faster.
"""

from __future__ import annotations

from frontier.driver.study import Search
from frontier.driver.work import Work, attempt


def check(work: Work) -> None:
    """Nothing to check: a trial needs no more than this process has."""


def run(search: Search, work: Work) -> None:
    """Asks, runs and tells, round by round, until nothing is handed out any more."""
    while handed := [asked for asked in (search.ask() for _ in range(work.concurrency)) if asked]:
        for asked in handed:
            attempt(work, asked)
        for asked in handed:
            search.collect(asked.trial)
