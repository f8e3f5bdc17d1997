"""Drives a search with a backend from start to end, and turns Ctrl-C, SIGTERM and a deadline into an orderly stop."""

from __future__ import annotations

import contextlib

from frontier import registry
from frontier.disk import refusing_full
from frontier.driver.stopping import Limits, stopping
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import BlockedError, InputError, Interrupted, TooManyFailures


def drive(search: Search, backend: str, work: Work, limits: Limits | None = None) -> None:
    """Runs the study to its total. `search` has been entered (`with Search(...) as search`).

    The first Ctrl-C (or a file `cancel` in the study's folder) hands out nothing more and lets running trials
    finish; the next stops them, to go on from their checkpoints when the study is resumed. SIGTERM and the deadline of
    `limits` do both, with the grace period between them. Raises Interrupted after any of these, unless all was done by
    then, TooManyFailures when trials kept failing or none of them all is complete, and BlockedError when the disk is
    full or the sampler's memory stayed out of reach; all that had finished is kept and told. With other drivers on the
    study it ends when theirs have finished too, and goes on with what a dead one has left.
    """
    run = registry.load("backend", backend).run
    with stopping(search, limits or Limits()) as stop:
        try:
            with contextlib.suppress(KeyboardInterrupt), refusing_full(search.study.folder):
                stop.begin()
                run(search, work)
                while search.wait():
                    run(search, work)
                stop.end()
        except (BlockedError, InputError) as refusal:
            search.stop(str(refusal).splitlines()[0])
            raise
        finally:
            stop.end()
            search.collect_all()
            search.finish()
    if search.blocked:
        raise search.blocked
    if search.too_many_failures:
        raise TooManyFailures(f"{search.stopped}; the last reason is in the study's newest records")
    if search.fruitless:
        raise TooManyFailures(f"none of the {search.handed_out} trials is complete; their records say why")
    if not search.complete:
        raise Interrupted(f"{search.stopped or 'stopped'}; all that had finished is kept, go on with --resume")
