"""Arrays in .npy files: mapped read-only, never unpickled, and hashed once a process while the file stays the same.

Corrupted images are severity-major: (5 N, H, W, C), severity 1 of all N images, then 2, ...
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from frontier.corruptions._apply import SEVERITIES
from frontier.corruptions._pixels import Images
from frontier.errors import InputError

KNOWN = 1024  # files whose hashes are remembered


def mapped(path: Path) -> npt.NDArray[Any]:
    """The array in a file, memory-mapped. Raises ValueError, with numpy's reason, for one that cannot be read whole
    or that holds Python objects, and FileNotFoundError."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise
    except (OSError, EOFError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, np.ndarray):
        found.close()
        raise ValueError("an archive of several arrays")
    return found


def where(chosen: npt.NDArray[np.int64], n: int, severity: int) -> npt.NDArray[np.int64]:
    """Where the images at the indices `chosen` of `n` stand in a severity-major file. Raises InputError for an unknown
    severity."""
    if isinstance(severity, bool) or severity not in SEVERITIES:
        raise InputError("unknown severity", expected="a whole number from 1 to 5", got=severity)
    return (severity - 1) * n + chosen


def copied(images: Images, rows: npt.NDArray[np.int64]) -> Images:
    """Rows of a file as images for a network: uint8 (n, C, H, W), in memory."""
    return np.ascontiguousarray(images[rows].transpose(0, 3, 1, 2))


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hex digits; they are read again where file, size or time of change are others."""
    stat = path.stat()
    return _sha256(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=KNOWN)
def _sha256(path: Path, inode: int, size_bytes: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
