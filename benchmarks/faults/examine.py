"""Reads a study back, every file of it and of what it shares: what is lost, what is there twice, what is half-written.

`python examine.py HOME NAME` prints what the sampler was told, for a database that is reached from another host alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.trial import TrialState
from safetensors import safe_open

from frontier.corruptions._arrays import sha256_of
from frontier.driver import sqlite
from frontier.driver.claims import SCRATCH
from frontier.driver.database import FILE, Database, close
from frontier.driver.storage import STORAGE, Storage
from frontier.masks.file import load as load_mask
from frontier.results.migrate import read_record
from frontier.results.spec import TrialSpec
from frontier.results.store import Study
from frontier.training.tensors import unpacked

STRAY = (".tmp", ".new", ".now", ".part", ".released")  # of names that begin with a dot: what writers rename


def snapshot(study: Study) -> dict[int, bytes]:
    """The records as they are on the disk."""
    folders = study.folder.glob("trials/*/record.json")
    return {int(path.parent.name): path.read_bytes() for path in folders}


def lost(study: Study, before: dict[int, bytes], trials: int) -> int:
    """Trials without a complete record at the end, and those that had one before the fault and have another now."""
    now = snapshot(study)
    complete = {trial for trial, text in now.items() if read_record(text, where=str(trial)).state == "complete"}
    changed = {trial for trial, text in before.items() if now.get(trial) != text}
    return len(set(range(trials)) - complete | changed)


def duplicated(study: Study, trials: int, told: list[int]) -> int:
    """Trials that were announced, or told to the sampler, more than once; and numbers beyond the total."""
    announced = Counter(event["trial"] for event in study.events() if event["event"] == "finished")
    twice = {trial for counted in (announced, Counter(told)) for trial, count in counted.items() if count > 1}
    return len(twice | {trial for trial in study.trials() if trial >= trials})


def differing(study: Study, undisturbed: Study) -> int:
    """Trials whose record says other than that of a search that nobody disturbed."""
    ours, theirs = _findings(study), _findings(undisturbed)
    return sum(ours.get(trial) != theirs.get(trial) for trial in ours.keys() | theirs.keys())


def half_written(home: Path, *, at_rest: bool) -> list[str]:
    """Files that cannot be read whole, relative to `home`; `at_rest`: nobody writes now, and files under temporary
    names are too many."""
    found = []
    scratch = {path for path in home.glob(f"studies/*/{SCRATCH}") if path.is_dir()}
    for path in sorted(home.rglob("*")):
        if scratch.intersection((path, *path.parents)):
            if at_rest and path.is_file():
                found.append(f"{path.relative_to(home)}: Tune's, left over")
            continue
        if path.name.startswith(".") and path.name.endswith(STRAY):
            if at_rest:
                found.append(f"{path.relative_to(home)}: stray")
            continue
        read = READERS.get(path.name) or READERS.get(path.suffix)
        if read is None or not path.is_file():
            continue
        try:
            read(path)
        except FileNotFoundError:  # freed meanwhile
            continue
        except Exception as error:  # noqa: BLE001 - whatever a reader says of a torn file
            found.append(f"{path.relative_to(home)}: {type(error).__name__}: {error}")
    return found


@contextmanager
def copied(database: Path) -> Iterator[Path]:
    """A copy with its journal: SQLite reads nothing through /proc, and a look must not mend what it looks at."""
    with tempfile.TemporaryDirectory(prefix="faults-db-") as folder:
        for path in database.parent.glob(f"{database.name}*"):
            shutil.copy(path, folder)
        yield Path(folder) / database.name


def _record(path: Path) -> None:
    record = read_record(path.read_bytes(), where=str(path))
    for point in record.points:
        if load_mask(path.parent / point.mask.file).hash != point.mask.hash:
            raise ValueError(f"{point.mask.file} is another mask")


def _lines(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        json.loads(line)


def _log(path: Path) -> None:
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        raise ValueError("its last line is not whole")


def _tensors(path: Path) -> None:
    if path.parent.parent.name in ("teachers", "trajectories"):
        unpacked(path, torch.device("cpu"))
        return
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 it is no mapping
            file.get_tensor(name)


def _array(path: Path) -> None:
    np.load(path, allow_pickle=False)
    about = path.with_suffix(".json")
    if about.is_file() and json.loads(about.read_text())["hash"] != sha256_of(path):
        raise ValueError("its SHA-256 is not the one it was written with")


def _database(path: Path) -> None:
    with copied(path) as copy, closing(sqlite3.connect(copy)) as connection:
        (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    if said != "ok":
        raise ValueError(said)


READERS: dict[str, Callable[[Path], object]] = {
    "record.json": _record,
    "spec.json": lambda path: TrialSpec.model_validate_json(path.read_bytes()),
    "log.txt": _log,
    FILE: _database,
    ".json": lambda path: json.loads(path.read_bytes()),
    ".jsonl": _lines,
    ".safetensors": _tensors,
    ".npy": _array,
    ".pt": lambda path: torch.load(path, weights_only=True),
}


def _findings(study: Study) -> dict[int, dict[str, Any]]:
    """What the records say, but for when, where and by which commit of this repository it was found."""
    found = {}
    for trial, text in snapshot(study).items():
        record = read_record(text, where=str(trial))
        origin = record.origin.model_copy(update={"code_version": ""})
        found[trial] = record.model_copy(update={"origin": origin}).comparable()
    return found


def told(study: Study, storage: str | None) -> list[int]:
    """The trial of every result that the sampler was told, but for extra points."""
    place = Database.of(study.folder, study.manifest(), Storage.of(storage) if storage else None)
    with copied(study.folder / FILE) as copy, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backend = place.storage.opened() if place.storage else sqlite.opened(copy)
        known = optuna.load_study(study_name=place.name, storage=backend).trials
        close(backend)
    return [
        one.user_attrs["trial"] for one in known if one.state is TrialState.COMPLETE and "extra" not in one.user_attrs
    ]


if __name__ == "__main__":
    print(json.dumps(told(Study(Path(sys.argv[1]), sys.argv[2]), os.environ.get(STORAGE))))
