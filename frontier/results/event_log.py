"""A study's event logs, read without a lock while drivers append to them: every line once, never half a one."""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

ALONE = "events.jsonl"  # of drivers that work alone, one after another
SHARED = "events-"  # of one that shares the study: events-DRIVER.jsonl
END_BYTES = 65_536  # of a log, in which its last whole line stands


@dataclass(frozen=True)
class Line:
    """An event as it was written, and the name of its driver; "" for one that worked alone."""

    event: dict[str, Any]
    driver: str


@final
class EventLog:
    """All logs of the study in `folder` as one. Holds positions only; no file stays open between two reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tails: dict[Path, _Tail] = {}
        self.damaged = 0  # lines so far that are no JSON object

    def new(self, *, rest: bool = False) -> Iterator[Line]:
        """Events since the last call, those of several drivers by their time.

        A last line without its end is kept for the next call. With `rest`, for when nobody writes any more, it is read
        as it is.
        """
        for path in [self._folder / ALONE, *sorted(self._folder.glob(f"{SHARED}*.jsonl"))]:
            self._tails.setdefault(path, _Tail(path))
        return heapq.merge(*(self._of(tail, rest) for tail in self._tails.values()), key=_time)

    def _of(self, tail: _Tail, rest: bool) -> Iterator[Line]:
        for text in tail.lines(rest):
            if not text.strip():
                continue
            try:
                event = json.loads(text)
            except (ValueError, RecursionError):
                event = None
            if isinstance(event, dict):
                yield Line(event, tail.driver)
            else:
                self.damaged += 1


def last_events(folder: Path) -> list[dict[str, Any]]:
    """The last whole event of each log of the study in `folder`, read from its end; {} for one that has none."""
    logs = [folder / ALONE, *sorted(folder.glob(f"{SHARED}*.jsonl"))]
    return [_last_of(path) for path in logs if path.is_file()]


def _last_of(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(file.tell() - END_BYTES, 0))
        lines = file.read().splitlines()
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            return event
    return {}


@final
class _Tail:
    """One file and how far it has been read; from its start once more when another file has taken its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._offset = 0  # inode, and where the first line begins that was not whole yet
        self.driver = "" if path.name == ALONE else path.stem.removeprefix(SHARED)

    def lines(self, rest: bool) -> Iterator[bytes]:
        """Whole lines from here on, and with `rest` what a crash has left of the last one.

        Half a line is read anew at the next call: a driver that meets a full disk takes it back.
        """
        if not self._path.is_file():
            return
        with open(self._path, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_ino != self._file or status.st_size < self._offset:
                self._file, self._offset = status.st_ino, 0
            file.seek(self._offset)
            for line in file:
                if line.endswith(b"\n") or rest:
                    self._offset += len(line)
                    yield line


def _time(line: Line) -> str:
    return str(line.event.get("ts"))
