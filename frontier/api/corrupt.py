"""Making the corrupted images of a split ahead of their use: every corruption, all severities."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from frontier import registry
from frontier.api.lookups import LOOKUPS
from frontier.corruptions import _sets
from frontier.corruptions._apply import SEVERITIES
from frontier.corruptions._make import refuse_full
from frontier.data._named import shape_of
from frontier.errors import InputError, nearest
from frontier.mirror import home_at
from frontier.results.spec import DataSpec
from frontier.shelves import DEFAULT_HOME
from frontier.trial.preparing import OnProgress, prepare
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source

SPLITS = ("test", "validation", "train")
ALL = "all"


def corrupt(
    name: str,
    *,
    split: str = "test",
    corruptions: str = "common",
    home: Path | str = DEFAULT_HOME,
    data: Path | str | None = None,
    workers: int | None = None,
    download: bool = False,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Make what is missing of the corrupted images of a data set's split; what `frontier corrupt --json` prints.

    `corruptions`: names, groups (`common`, `held_out`, a family) or `all`, separated by commas. `workers` processes
    (None: as many as there are cores) make one each. Raises InputError or BlockedError before anything is made;
    stopped in the middle, whole corruptions stay.
    """
    spec = DataSpec(name=name)
    shape_of(spec)
    names = named(corruptions)
    if split not in SPLITS:
        raise InputError("unknown choice", where="--split", expected=", ".join(SPLITS), got=split)
    if workers is not None and workers < 1:
        raise InputError("no worker", where="--workers", expected="at least 1", got=workers)
    runtime = Runtime(home=home_at(home), data=Path(data) if data is not None else None)
    source = Source.of(spec, runtime.data_folder(), download, home=runtime.home)
    kept = source.corrupted_split(split)
    missing = _sets.missing(kept, names)
    refuse_full(kept.folder, len(missing) * kept.bytes_each)
    at_once = min(workers or len(os.sched_getaffinity(0)), len(missing))
    prepare(source, split, missing, at_once, on_progress or (lambda making: None))
    found = source.corruption_set(split, names)
    return {
        "data": name,
        "split": split,
        "label": found.label,
        "hash": found.hash,
        "folder": str(kept.folder),
        "images": len(kept.clean),
        "severities": len(SEVERITIES),
        "corruptions": names,
        "made": missing,
        "bytes": sum(kept.file(corruption).stat().st_size for corruption in names),
    }


def named(text: str) -> list[str]:
    """`common,saturate` -> the names of these corruptions, each once. Raises InputError for an unknown word."""
    known = registry.names("corruption")
    names: dict[str, None] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        if word in known:
            names[word] = None
        elif word == ALL or word in LOOKUPS.groups:
            names |= dict.fromkeys(known if word == ALL else LOOKUPS.groups[word]())
        else:
            said = nearest(word, [*known, *LOOKUPS.groups, ALL])
            raise InputError(f"unknown corruption '{word}'. {said}", where="--corruptions")
    if not names:
        expected = "names or groups, separated by commas"
        raise InputError("no corruption", where="--corruptions", expected=expected, got=repr(text))
    return list(names)
