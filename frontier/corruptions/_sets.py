"""The corrupted images of a whole split, made once for all trials: by whoever asks first, while the others wait."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from frontier.corruptions._arrays import copied, mapped, sha256_of, where
from frontier.corruptions._code import code_of
from frontier.corruptions._make import LABELS, NOBODY, ORDINARY, Watch, make, write_labels
from frontier.corruptions._pixels import Images
from frontier.corruptions._place import About, CorruptedSplit
from frontier.errors import BlockedError
from frontier.files import writable
from frontier.mirror import fetch, once_anywhere, publish


def obtain(of: CorruptedSplit, corruption: str, watch: Watch = NOBODY) -> str:
    """The SHA-256 of a corruption's finished file, verified once a process; it is made where it is not there.

    If several ask at once, one makes it and the others wait. What is damaged or made by other code is made again.
    Raises InputError for an unknown corruption, BlockedError where the disk is too full or broken.
    """
    why = ORDINARY

    def find() -> str | None:
        nonlocal why
        found = _look(of, corruption)
        why = found.why
        return found.sha256

    def make_it(check: Callable[[], None]) -> None:
        watch.tell(f"{of.file(corruption)}: {why}")
        make(of, corruption, replace(watch, check=check))
        if (found := _look(of, corruption)).sha256 is None:
            raise BlockedError(f"{of.file(corruption)} reads back other than it was written: {found.why}")

    def tell(line: str) -> None:
        watch.tell(f"{of.file(corruption)}: {line}")

    if (sha256 := find()) is not None:
        return sha256
    writable(of.folder, "--home")
    return once_anywhere(of.folder, corruption, _files(corruption), find, make_it, tell=tell, check=watch.check)


def rows(
    of: CorruptedSplit, corruption: str, severity: int, chosen: npt.NDArray[np.int64], watch: Watch = NOBODY
) -> Images:
    """The images at the indices `chosen` of the split, corrupted: uint8 (n, C, H, W), copied from the mapped file."""
    places = where(chosen, len(of.clean), severity)
    obtain(of, corruption, watch)
    return copied(mapped(of.file(corruption)), places)


def missing(of: CorruptedSplit, corruptions: Collection[str]) -> list[str]:
    """Those of which there is no file, or none that is whole and made by this code."""
    for corruption in corruptions:
        fetch(*(of.folder / file for file in _files(corruption)))
    return [corruption for corruption in corruptions if _look(of, corruption).sha256 is None]


def hashes(of: CorruptedSplit, corruptions: Iterable[str], watch: Watch = NOBODY) -> dict[str, str]:
    """SHA-256 of each file by corruption; those that are not there are made, and labels that are not the split's."""
    found = {corruption: obtain(of, corruption, watch) for corruption in corruptions}
    if write_labels(of):
        publish(of.folder / LABELS)
    return found


@dataclass(frozen=True)
class _Found:
    """The hash of a finished file, or why there is none."""

    sha256: str | None
    why: str = ""


def _files(corruption: str) -> tuple[str, str]:
    """Of one corruption; the last is written last."""
    return f"{corruption}.npy", f"{corruption}.json"


def _look(of: CorruptedSplit, corruption: str) -> _Found:
    code = dict(code_of(corruption))
    try:
        about = About.model_validate_json((of.folder / f"{corruption}.json").read_bytes())
        same = sha256_of(of.file(corruption)) == about.hash
    except (FileNotFoundError, NotADirectoryError):
        return _Found(None, ORDINARY)
    except ValidationError:
        return _Found(None, "its .json cannot be read; making it again")
    if not same:
        return _Found(None, "damaged: its SHA-256 is not the one it was written with; making it again")
    return _Found(about.hash) if about.code == code else _Found(None, "made by other code; making it again")
