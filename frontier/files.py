"""Writing files so that a reader sees all of one or nothing, whenever the writer dies."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

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
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def writable(folder: Path, option: str) -> None:
    """Make the folder if need be. Raises InputError, naming the option that gave it, if nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"cannot write to the folder ({error.strerror})",
            where=str(folder),
            expected="a folder that can be written",
            fix=f"give another one with {option}",
        ) from None
