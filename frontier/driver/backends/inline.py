"""Trials one after another in this process. Needs no Ray; `concurrency`, `cpu` and `gpu` have no meaning here."""

from __future__ import annotations

from frontier.driver.study import Search
from frontier.driver.work import Work, attempt


def check(work: Work) -> None:
    """Nothing to check: a trial needs no more than this process has."""


def run(search: Search, work: Work) -> None:
    """Asks, runs and tells until nothing is handed out any more."""
    while asked := search.ask():
        attempt(work, asked)
        search.collect(asked.trial)
