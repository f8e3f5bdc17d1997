"""A full disk is no trial's failure: who meets one is refused, and goes on from there when there is room again."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from frontier.errors import BlockedError

FULL = (errno.ENOSPC, errno.EDQUOT)
# of libraries that hand on the words and not the number: SQLite; Rust's and Ray's errors, which quote the system
SAID = ("database or disk is full", "No space left on device", "Disk quota exceeded")


def is_full(error: BaseException) -> bool:
    """Whether a full disk, or a quota that is used up, is what this is about."""
    return _cause(error) is not None


def full_disk(error: BaseException, folder: Path | None = None) -> BlockedError:
    """What to tell a person; `folder` is named where the error names none."""
    cause = _cause(error) or error
    named = getattr(cause, "filename", None)
    place = Path(str(named)).parent if named else folder
    said = getattr(cause, "strerror", None) or next((words for words in SAID if words in str(cause)), "no room")
    return BlockedError(
        f"{place if place is not None else 'a folder'}: the disk is full ({said})\n"
        "  to do: make room, then go on, a search with --resume; all that had finished is kept"
    )


@contextlib.contextmanager
def refusing_full(folder: Path | None = None) -> Iterator[None]:
    """Raises BlockedError in the place of what a full disk raises; also a decorator."""
    try:
        yield
    except BlockedError:
        raise
    except Exception as error:
        if not is_full(error):
            raise
        raise full_disk(error, folder) from error


def _cause(error: BaseException | None) -> BaseException | None:
    """Of the error, its cause and so on, the first that says so."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in FULL:
            return error
        if any(words in str(error) for words in SAID):
            deeper = _cause(error.__cause__)
            return error if deeper is None else deeper
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None
