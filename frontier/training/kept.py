"""The kept states of searches: one file each, found by its name, the least recently used deleted first.

HOME/trajectories/HASH/recipe.json                      what the hash was made of
                      /EPOCHS-BEFORE-LOWEST.safetensors the search after so many epochs; LOWEST: the lowest count it has
                                                        had, BEFORE: that of the epochs before
                      /walked.json                      how far who walks it has come
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from frontier.files import write_atomic
from frontier.leases import held
from frontier.mirror import fetch, mirror_of, publish, remove
from frontier.training.tensors import Torn, flattened, packed, restored, unpacked

LEASE = "walk"
LOWEST = "lowest"  # the number of a search's state that says how low its count has been
STATE = "state"  # in a kept file's metadata
SUFFIX = ".safetensors"
WALKED = "walked.json"


@dataclass(frozen=True)
class Kept:
    """A state that lies there."""

    path: Path
    epochs: int
    before: int
    lowest: int


def kept_in(folder: Path) -> list[Kept]:
    """All states of a trajectory, those that are still to be fetched from the home's URL among them."""
    found = []
    paths = {*folder.glob(f"*{SUFFIX}")}
    if mirror := mirror_of(folder):
        paths |= {mirror.path(key) for key in mirror.bucket.keys(mirror.key(folder)) if key.endswith(SUFFIX)}
    for path in sorted(paths):
        numbers = path.name.removesuffix(SUFFIX).split("-")
        if len(numbers) == 3 and all(number.isdecimal() for number in numbers):
            found.append(Kept(path, *map(int, numbers)))
    return found


def read(one: Kept, device: torch.device) -> dict[str, Any]:
    """A whole state. Raises FileNotFoundError, and Torn, after which the file is gone."""
    fetch(one.path)
    try:
        tensors, metadata = unpacked(one.path, device)
        state: dict[str, Any] = restored(json.loads(metadata[STATE]), tensors)
    except (Torn, KeyError, ValueError) as error:
        one.path.unlink(missing_ok=True)
        remove([one.path])
        raise Torn(str(error)) from None
    os.utime(one.path)
    return state


def keep(
    folder: Path,
    epochs: int,
    before: int,
    lowest: int,
    state: dict[str, Any],
    limit_bytes: int,
    log: Callable[[str], None],
) -> None:
    """Write a state, whole or not at all, and free the oldest; where there is no room the search goes on without."""
    path = folder / f"{epochs:06d}-{before}-{lowest}{SUFFIX}"
    if path.is_file():
        return
    tensors, tree = flattened(state)
    try:
        write_atomic(path, packed(tensors, {STATE: json.dumps(tree)}))
        publish(path)
    except OSError as error:
        log(f"epoch {epochs} cannot be kept ({error.strerror or error})")
    _trim(folder.parent, limit_bytes)


def write_walked(folder: Path, epochs: int, lowest: int) -> None:
    with contextlib.suppress(OSError):  # a full disk, which `keep` has told
        write_atomic(folder / WALKED, json.dumps({"epochs": epochs, LOWEST: lowest}))


def walked(folder: Path) -> tuple[int, int] | None:
    """Epochs and lowest count of who walks the trajectory, or was the last to; None where nobody has begun."""
    try:
        found = json.loads((folder / WALKED).read_text(encoding="utf-8"))
        return int(found["epochs"]), int(found[LOWEST])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def free(root: Path) -> tuple[list[Path], int]:
    """Delete all states that no search is adding to right now: the files that are gone, and their size in bytes."""
    gone, size_bytes = [], 0
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        with held(folder, LEASE) as lease:
            if lease is None:
                continue
            (folder / WALKED).unlink(missing_ok=True)
            for path in folder.glob(f"*{SUFFIX}"):
                with contextlib.suppress(FileNotFoundError):
                    size = path.stat().st_size
                    path.unlink()
                    size_bytes += size
                    gone.append(path)
    if mirror := mirror_of(root):
        mirror.bucket.remove(mirror.bucket.keys(mirror.key(root)))
    return gone, size_bytes


def _trim(root: Path, limit_bytes: int) -> None:
    """Delete the states used least recently until those of all trajectories fit into the limit."""
    sizes = []
    for path in root.glob(f"*/*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            about = path.stat()
            sizes.append((about.st_mtime_ns, about.st_size, path))
    total = sum(size for _, size, _ in sizes)
    for _, size, path in sorted(sizes):
        if total <= limit_bytes:
            return
        path.unlink(missing_ok=True)
        total -= size
