"""Writing files so that a reader sees all of one or nothing, whenever the writer dies."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from pathlib import Path

from frontier.disk import full_disk, is_full
from frontier.errors import InputError


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write under a temporary name (`.NAME.*.tmp`) in the same folder, flush it to disk, rename."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(path)  # a write does not say of which file
        raise


def write_new(path: Path, content: str | bytes) -> bool:
    """Like write_atomic, unless there is such a file; whether it was written. Of many writers one succeeds."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.new")
    write_atomic(temporary, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def append_line(path: Path, line: bytes) -> None:
    """One line more, whole or not at all. A line that a crash cut short is closed first, so that it spoils no other."""
    with open(path, "ab+", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(-1, os.SEEK_END)
        left = memoryview((b"\n" if end and file.read(1) != b"\n" else b"") + line + b"\n")
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            os.ftruncate(file.fileno(), end)
            error.filename = str(path)
            raise


def sweep(folder: Path, name: str = "*") -> None:
    """Remove what a writer of files of this name (a pattern) left under a temporary one when it was killed. Only for
    who knows that nobody writes them just now."""
    for suffix in ("tmp", "new"):
        for left in folder.glob(f".{name}.{suffix}"):
            left.unlink(missing_ok=True)


def write_named(path: Path, content: str | bytes, option: str) -> None:
    """Write to a file that somebody named, whole or not at all; its folder is made if need be, an older file replaced.

    Raises InputError, naming the option, where it cannot be written, and for what exists and is no regular file: a
    folder, but also a device, a pipe or a link (`/dev/null`, `/dev/stdout`), which the renaming would put an end to.
    """
    writable(path.parent, option)
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=str(path), fix=_another(option)) from None
    if not stat.S_ISREG(mode):
        what = "is a folder" if stat.S_ISDIR(mode) else "is no regular file, and would be replaced by one"
        raise InputError(what, where=str(path), expected="a new file, or one to replace", fix=_another(option))
    write_atomic(path, content)


def age_s(path: Path) -> float:
    """Seconds since a file was touched, by the clock of its file system: beside a file made just now. No host's own
    clock is asked, and both are opened, so that no old time comes out of a cache. Raises FileNotFoundError."""
    now = path.with_name(f".{path.name}.{secrets.token_hex(6)}.now")
    try:
        with open(path, "rb") as file, open(now, "xb") as probe:
            return os.fstat(probe.fileno()).st_mtime - os.fstat(file.fileno()).st_mtime
    finally:
        now.unlink(missing_ok=True)


def writable(folder: Path, option: str) -> None:
    """Make the folder if need be. Raises InputError, naming the option that gave it, if nothing can be written,
    and BlockedError if that is because the disk is full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if is_full(error):
            raise full_disk(error, folder) from None
        raise InputError(
            f"cannot write to the folder ({error.strerror})",
            where=str(folder),
            expected="a folder that can be written",
            fix=_another(option),
        ) from None


def _another(option: str) -> str:
    return f"give another one with {option}"
