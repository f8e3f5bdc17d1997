"""Every error that frontier raises on purpose; each class carries the exit code of the command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FrontierError(Exception):
    """Base class. `str(error)` is the whole message for a person; `exit_code` is what the shell gets."""

    exit_code = 1


class InputError(FrontierError):
    """What was asked for cannot be done as asked: a wrong key, type, name, budget or path."""

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        got: object = None,
        fix: str | None = None,
    ) -> None:
        lines = [f"{where}: {what}" if where else what]
        if expected is not None:
            lines.append(f"  expected: {expected}")
        if got is not None:
            lines.append(f"  got: {got}")
        if fix is not None:
            lines.append(f"  to do: {fix}")
        super().__init__("\n".join(lines))
        self.what, self.where, self.expected, self.got, self.fix = what, where, expected, got, fix


class RecordError(InputError):
    """A stored record or manifest that cannot be read: torn, of another schema, or of a newer version."""


class MaskError(InputError):
    """A mask that does not fit its network, or a mask file that is not one."""


class BlockedError(FrontierError):
    """Something outside frontier is missing (an extra, data, resources); the message names the cure."""

    exit_code = 3


class TooManyFailures(FrontierError):
    """A study stopped because its trials keep failing; what had finished is kept."""

    exit_code = 4


class VerificationError(FrontierError):
    """A check of our own did not hold (an export that does not reload to the same logits, say)."""

    exit_code = 5


class Interrupted(FrontierError):
    """Stopped by a person, by SIGTERM or at the study's deadline; everything finished is saved."""

    exit_code = 130


class TrialFailed(FrontierError):
    """Raised inside a trial: its record becomes FAILED with this message as the reason."""


class Pruned(TrialFailed):
    """Raised inside a trial that its study's pruner stops: its record becomes PRUNED with this message."""


class Cancelled(TrialFailed):
    """Raised inside a trial that a person cancelled or whose deadline has passed."""

    @classmethod
    def late(cls, deadline_s: float) -> Cancelled:
        """The trial ran for longer than `deadline_s`."""
        return cls(f"the deadline of {deadline_s:g} s has passed")


def nearest(word: str, known: Iterable[str]) -> str:
    """`Known: a, b.` and, where one is close, `Did you mean 'a'?`: the tail of an unknown-name message."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"Known: {', '.join(names) or '(none)'}.{hint}"
