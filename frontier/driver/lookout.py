"""Which drivers of a study live, for one who only looks on: nothing is written and no lock is kept.

Drivers ask each other by files that they make (`presence`, `files.age_s`); a reader may have no right to write at all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import final

from frontier.driver.file_systems import NETWORK, file_system
from frontier.driver.lock import HOLDER, LOCK
from frontier.driver.presence import DEAD_AFTER_S, FOLDER, kernel, named, unlocked

ALONE = ""  # stands for the name of a driver that works alone


@dataclass(frozen=True)
class Seen:
    """`drivers` live, `died` have left their file and live no longer. Without `sure` one that works alone on another
    host may live or not: it shows no sign of life."""

    drivers: frozenset[str]
    died: frozenset[str] = frozenset()
    sure: bool = True


@final
class Lookout:
    """On one study. It remembers when it saw another host's driver touch its file."""

    def __init__(self, study: Path) -> None:
        self._study = study
        self._remote = file_system(study) in NETWORK
        self._touched: dict[str, tuple[float, float]] = {}  # the file's time, and when we saw it, by time.monotonic

    def look(self) -> Seen:
        """Who lives now."""
        names = frozenset(named(self._study))
        living = frozenset(name for name in names if self._lives(name))
        alone = self._works_alone()
        return Seen(living | {ALONE} if alone else living, names - living, sure=alone is not None)

    def _works_alone(self) -> bool | None:
        """Whether a driver works alone; None where its lock does not reach this host."""
        if not (self._study / HOLDER).is_file():
            return False
        try:
            held = not unlocked(self._study / LOCK)
        except OSError:  # not there, not ours to read, or a file system without locks
            return None if self._remote or (self._study / LOCK).exists() else False
        return None if self._remote and not held else held

    def _lives(self, name: str) -> bool:
        path = self._study / FOLDER / name
        try:
            if f".{kernel()}." in name:
                return not unlocked(path)
        except FileNotFoundError:
            return False
        except OSError:
            pass
        return self._beats(name, path)

    def _beats(self, name: str, path: Path) -> bool:
        """Whether the file was touched lately: by this host's clock when it is first seen, then by being touched."""
        try:
            with open(path, "rb"):  # so that the time does not come out of a cache
                touched = path.stat().st_mtime
        except OSError:
            return False
        before = self._touched.get(name)
        if before is None:
            age = max(time.time() - touched, 0.0)
            self._touched[name] = (touched, time.monotonic() - age)
        elif before[0] != touched:
            self._touched[name] = (touched, time.monotonic())
        return time.monotonic() - self._touched[name][1] < DEAD_AFTER_S
