"""Who holds which trial number: each is claimed once, by one rename, and may pass from a dead driver to a living one.

Drivers that share a study mark what they hold by an empty file `driver-NAME` in the trial's folder. A folder comes
with its mark, and a mark changes hands by a rename, so that of any number of drivers one succeeds.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections import deque
from collections.abc import Collection
from pathlib import Path
from typing import final

from frontier.driver.presence import Presence
from frontier.results.store import REPLICATE, Study

MARK = "driver-"
SCRATCH = "ray"  # in the study's folder: what a backend writes and nobody needs afterwards


def end_of(taken: Collection[int], total: int) -> int:
    """Where to stop claiming free numbers from 0 on, so that there are `total` trials in the end.

    It does not move when numbers below it are claimed, so all drivers of a study find the same.
    """
    missing = total - len(taken)
    if missing <= 0:
        return 0
    end = missing
    for number in sorted(taken):
        if number >= end:
            break
        end += 1
    return end


@final
class Claims:
    """The numbers of one study as one driver sees them. Without `presence` no other driver can be there. `replicates`:
    what is claimed counts towards no total."""

    def __init__(self, study: Study, total: int, presence: Presence | None, *, replicates: bool = False) -> None:
        self._study, self._total, self._presence, self._replicates = study, total, presence, replicates
        self._free: deque[int] = deque()

    def claim(self) -> int | None:
        """The lowest free number, whose folder is ours from now on, or None when the study has its total.

        The folders are listed at the start and again at the end, when numbers may have become free behind us.
        """
        if not self._free:
            self._free = self._survey()
        while self._free:
            number = self._free.popleft()
            if self._take(number):
                return number
        if self._presence is not None:
            shutil.rmtree(_aside(self._study, self._presence.name), ignore_errors=True)
        return None

    def release(self, trial: int) -> None:
        """A number that was claimed and not used is free again, in one step, unless another driver took it over."""
        if self.holds(trial):
            aside = self._study.folder / "trials" / f".{trial}.released"
            shutil.rmtree(aside, ignore_errors=True)  # of one that was killed in between
            self._study.trial_folder(trial).rename(aside)
            shutil.rmtree(aside)

    def free(self, trial: int) -> bool:
        """Frees a number that a dead driver had claimed and not used; whether we did, and nobody before us."""
        with contextlib.suppress(FileNotFoundError):  # somebody else was quicker
            if self.take_over(trial):
                self.release(trial)
                return True
        return False

    def owner(self, trial: int) -> str | None:
        """The driver that holds the trial, or held it last; None where it carries no mark."""
        marks = self._study.trial_folder(trial).glob(f"{MARK}*")
        return min((mark.name.removeprefix(MARK) for mark in marks), default=None)

    def holds(self, trial: int) -> bool:
        """Whether the trial is ours still: not if others have taken this driver for dead."""
        if self._presence is None:
            return True
        return (self._study.trial_folder(trial) / f"{MARK}{self._presence.name}").is_file()

    def take_over(self, trial: int) -> bool:
        """Makes a dead driver's trial ours; whether it is. The caller knows that its owner, if it has one, is dead."""
        if self._presence is None:
            return True
        folder, ours = self._study.trial_folder(trial), f"{MARK}{self._presence.name}"
        owner = self.owner(trial)
        if owner is None:  # from a driver that worked alone
            (folder / ours).touch()
        else:
            with contextlib.suppress(FileNotFoundError):  # another one was quicker
                (folder / f"{MARK}{owner}").rename(folder / ours)
        return (folder / ours).is_file()

    def _survey(self) -> deque[int]:
        taken = frozenset(self._study.trials())
        total = self._total + sum(self._study.is_replicate(number) for number in taken)
        return deque(number for number in range(end_of(taken, total)) if number not in taken)

    def _take(self, number: int) -> bool:
        """Makes the number's folder in one step, with our mark in it where other drivers may come by."""
        if self._presence is None:
            return self._study.take(number)
        self._presence.touch()
        folder = self._study.trial_folder(number)
        aside = _aside(self._study, self._presence.name)
        aside.mkdir(exist_ok=True)
        (aside / f"{MARK}{self._presence.name}").touch()
        if self._replicates:
            (aside / REPLICATE).touch()  # comes with the folder: no driver counts it in between
        try:
            aside.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return False
        return True


def _aside(study: Study, driver: str) -> Path:
    """A driver's next folder, before it has a number."""
    return study.folder / "trials" / f".{driver}"


def sweep(study: Study, driver: str) -> None:
    """Removes what a dead driver has left lying about: the folder for its next claim, and its backend's files."""
    shutil.rmtree(_aside(study, driver), ignore_errors=True)
    shutil.rmtree(study.folder / SCRATCH / driver, ignore_errors=True)
