"""The reader of a study's logs: turns what is new in them into progress, and knows when nothing more will come."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import final

import typer

from frontier.api.watch import Watched, total_of
from frontier.cli._panel import ENDS, duration
from frontier.cli._progress import Event, Progress
from frontier.driver.lookout import Seen


@final
class Reader:
    """Hands on what is new in a study's logs, and keeps where the study stands."""

    def __init__(self, watched: Watched, *, passes_on: bool) -> None:
        about = watched.manifest
        self._watched, self._passes_on = watched, passes_on
        self._told: frozenset[str] = frozenset()  # remarks
        self._settled = True  # whether that nobody drives the study is no news
        self.progress = Progress(
            study=about.name, sampler=about.sampler, seed=about.seed, relus=about.relus, trials=total_of(about)
        )

    def read(self, tell: Callable[[Event], None]) -> Seen:
        """Takes in what is new; who drives the study was looked up before."""
        seen = self._watched.drivers()
        for line in self._watched.new(ended=seen.sure and not seen.drivers):
            if self._passes_on:
                typer.echo(json.dumps(line.event))
            self._take({**line.event, "driver": line.driver}, tell)
        living = seen.drivers if seen.sure else seen.drivers | {""}
        about = {"drivers": sorted(living), "died": sorted(seen.died), "why": "no driver is alive"}
        self._take({"event": "present", "ts": _iso(self.progress.now_s), **about}, tell)
        self._remark()
        return seen

    def goes_on(self, seen: Seen) -> bool:
        """Whether there may be more to come."""
        if seen.drivers or not (seen.sure or self.progress.phase in ENDS):
            self._settled = False
            return True
        before, self._settled = self._settled, True
        return not before

    def last_words(self, seen: Seen) -> list[str]:
        """What a person may want to know or do now."""
        now, words = self.progress, []
        if not seen.sure and now.phase not in ENDS:
            words.append("whether its driver lives cannot be seen from here, over a network file system")
        if seen.drivers or not seen.sure or now.phase == "done":
            return words
        if now.phase == "waiting":
            words.append("nothing has happened in this study yet, and no driver is alive")
        if now.phase == "gone" and not self._watched.rebuilt:
            age = duration(time.time() - now.now_s)
            words.append(f"no driver is alive: it was killed, or its machine went down; its last event is {age} old")
        return [*words, f"go on with: {self._watched.go_on()}"]

    def _take(self, event: Event, tell: Callable[[Event], None]) -> None:
        self.progress = self.progress.reduce(event)
        tell(event)

    def _remark(self) -> None:
        """Says once what is odd about the logs."""
        watched = self._watched
        remarks = {
            "the study has no event log; this is what its records say": watched.rebuilt,
            "damaged lines of the event log, which are left out": watched.damaged,
            "events of another version of frontier, of which what is unknown is left out": watched.strange,
        }
        found = frozenset(text for text, count in remarks.items() if count)
        for text in remarks:
            if text in found - self._told:
                number = "" if remarks[text] is True else f": {remarks[text]}"
                sys.stderr.write(f"warning: {text}{number}\n")
        self._told = found


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
