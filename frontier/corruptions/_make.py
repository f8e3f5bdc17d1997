"""Makes the corrupted images of a split: written aside block by block, hashed on the way, renamed when whole."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from frontier.corruptions._apply import SEVERITIES, apply
from frontier.corruptions._code import code_of, libraries
from frontier.corruptions._place import About, CorruptedSplit
from frontier.errors import BlockedError
from frontier.files import sweep, writable, write_atomic

LABELS = "labels.npy"

ORDINARY = "making it"  # why it is made, where nothing was wrong
SPARE_BYTES = 1 << 26  # that a disk keeps free
BLOCK = 1000  # images written at once


@dataclass(frozen=True)
class Watch:
    """Who looks on: `tell` is given a line, `check` stops by raising, `step` hears of images that are done."""

    tell: Callable[[str], None] = lambda line: None
    check: Callable[[], None] = lambda: None
    step: Callable[[int], None] = lambda images: None


NOBODY = Watch()


def make(of: CorruptedSplit, corruption: str, watch: Watch) -> None:
    """Writes aside, renames, and writes the .json last. Called with the lock."""
    sweep(of.folder, f"{corruption}.*")
    refuse_full(of.folder, of.bytes_each)
    try:
        write_labels(of)
        about = _about(of, corruption, _written(of, corruption, watch))
        write_atomic(of.folder / f"{corruption}.json", about.model_dump_json(indent=1) + "\n")
    except OSError as error:  # filled up by somebody else meanwhile, taken away, over a quota
        raise BlockedError(
            f"{of.file(corruption)}: cannot write corrupted images ({error.strerror or error})\n"
            f"  needed: {of.bytes_each / 1e9:.2f} GB\n"
            "  to do: see to the disk, or give a folder on another one with --home; what was finished is kept"
        ) from None


def _written(of: CorruptedSplit, corruption: str, watch: Watch) -> str:
    """The SHA-256 of the file, which is there now."""
    sha256 = hashlib.sha256()
    with _aside(of.file(corruption)) as file:
        for block in _blocks(of, corruption, watch):
            file.write(block)
            sha256.update(block)
    return sha256.hexdigest()


def _about(of: CorruptedSplit, corruption: str, sha256: str) -> About:
    return About(
        corruption=corruption,
        label=of.label,
        data=of.data,
        split=of.split,
        images=len(of.clean),
        seed=of.seed,
        hash=sha256,
        code=dict(code_of(corruption)),
        libraries=libraries(),
    )


def refuse_full(folder: Path, wanted_bytes: int) -> None:
    """Raises BlockedError where so much does not fit on the folder's disk; the folder need not be there yet."""
    free = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists())).free
    if free < wanted_bytes + SPARE_BYTES:
        raise BlockedError(
            f"{folder}: too little room for corrupted images\n"
            f"  needed: {wanted_bytes / 1e9:.2f} GB, and {SPARE_BYTES / 1e9:.2f} GB to spare\n"
            f"  free: {free / 1e9:.2f} GB\n"
            "  to do: free some, or give a folder on another disk with --home"
        )


def _blocks(of: CorruptedSplit, corruption: str, watch: Watch) -> Iterator[bytes]:
    """The bytes of the .npy file: its header, then block after block of images (n, H, W, C)."""
    n, channels, height, width = of.clean.images.shape
    header = io.BytesIO()
    shape = (len(SEVERITIES) * n, height, width, channels)
    layout = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, layout)
    yield header.getvalue()
    for severity in SEVERITIES:
        watch.check()
        corrupted = apply(corruption, of.clean.images, severity, of.seed)
        for start in range(0, n, BLOCK):
            yield corrupted[start : start + BLOCK].transpose(0, 2, 3, 1).tobytes()
        watch.step(n)


@contextlib.contextmanager
def _aside(path: Path) -> Iterator[BinaryIO]:
    """A file under another name, which takes the name of `path` once it is whole; a full disk leaves nothing."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_labels(of: CorruptedSplit) -> bool:
    """The split's labels, five times over, unless they are there; whether they were written. Raises InputError where
    they cannot be."""
    content = io.BytesIO()
    np.save(content, np.tile(of.clean.labels, len(SEVERITIES)), allow_pickle=False)
    path = of.folder / LABELS
    if path.is_file() and path.read_bytes() == content.getvalue():
        return False
    writable(of.folder, "--home")
    write_atomic(path, content.getvalue())
    return True
