"""What of a study is published at the URL of a home, and fetched from it.

    URL/studies/NAME/study.json, space.yaml, guesses.json, warm_start.json, events-DRIVER.jsonl
                    /trials/7/spec.json, guess.json, replicate, rung-K.json
                    /trials/7/ATTEMPT/mask*.safetensors, weights*.safetensors, log.txt
                    /trials/7/record.json   put last, where there is none yet: with it the trial is finished

ATTEMPT is made from what the record says of its origin. So a record and its files belong together even where two
workers have run one trial: the record that was first counts, and no file of the other one stands under its name.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from frontier.errors import BlockedError
from frontier.files import write_atomic
from frontier.frozen import digest
from frontier.leases import held
from frontier.mirror import PATIENCE_S, Mirror
from frontier.objects import Bucket

RECORD, SPEC, MANIFEST = "record.json", "spec.json", "study.json"
LOG = "log.txt"
KEPT = ("mask*.safetensors", "weights*.safetensors")  # a trial's files that its record names
INDEX = ".fetched.json"  # in the mirror: what of a study was fetched, each with the mark of its content
AMENDING_S = 0.5  # between two looks whether somebody else still amends a record
OF_STUDY = re.compile(
    r"space\.yaml|guesses\.json|warm_start\.json|events[^/]*\.jsonl|"
    r"trials/\d+/(spec\.json|record\.json|replicate|guess\.json)"
)
ATTEMPT = ("host", "started_at", "wall_s", "device")  # of a record's origin: no two runs of a trial have the same


def exists(mirror: Mirror, folder: Path) -> bool:
    """Whether there is such a study at the URL; a mirror of another one of its name is emptied."""
    content = mirror.bucket.get(mirror.key(folder / MANIFEST))
    if content is None:
        return False
    local = folder / MANIFEST
    if not local.is_file() or local.read_bytes() != content:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "trials").mkdir(parents=True)
        write_atomic(local, content)
    return True


def create(mirror: Mirror, folder: Path, manifest: str) -> bool:
    """Whether the study is new at the URL; then it is begun there."""
    mirror.bucket.check()
    return _patient(mirror).put_new(mirror.key(folder / MANIFEST), manifest.encode())


def catch_up(mirror: Mirror, folder: Path, *, settle: bool = False) -> None:
    """Fetches what of the study is new at the URL, but masks and weights (`fetch_files`).

    With `settle`, for its only driver: what the mirror holds and the URL does not was never handed out or finished.
    """
    root = mirror.key(folder)
    there = {key.removeprefix(f"{root}/"): mark for key, mark in mirror.bucket.keys(root).items()}
    known = _index(folder)
    wanted = [
        name
        for name, mark in there.items()
        if OF_STUDY.fullmatch(name) and not ((folder / name).is_file() and known.get(name) == mark)
    ]
    for key, content in mirror.bucket.get_many(f"{root}/{name}" for name in wanted).items():
        _take(folder, key.removeprefix(f"{root}/"), content)
    write_atomic(folder / INDEX, json.dumps(known | {name: there[name] for name in wanted}))
    if settle:
        for trial in (folder / "trials").iterdir():
            if trial.name.isdecimal() and f"trials/{trial.name}/{SPEC}" not in there:
                shutil.rmtree(trial)
            elif f"trials/{trial.name}/{RECORD}" not in there:
                (trial / RECORD).unlink(missing_ok=True)


def arrive(mirror: Mirror, trial: Path) -> None:
    """Fetches the specification and the record of one trial, where they are missing here and there by now."""
    missing = [name for name in (SPEC, RECORD) if not (trial / name).is_file()]
    for key, content in _patient(mirror).get_many(mirror.key(trial / name) for name in missing).items():
        _take(trial.parents[1], f"trials/{trial.name}/{key.rpartition('/')[2]}", content)


def write_spec(mirror: Mirror, path: Path, text: str) -> None:
    """Raises BlockedError where another driver has handed out another trial of this number."""
    if not _patient(mirror).put_new(mirror.key(path), text.encode()):
        raise BlockedError(
            f"{mirror.shown(path)}: another driver has taken the study over and handed out this trial\n"
            "  to do: wait for it, or stop it; then go on with --resume"
        )


def write_record(mirror: Mirror, trial: Path, content: bytes) -> bytes:
    """Publishes the trial's files and then its record; returns the record that counts, which may be one that was there
    before. Then no file of this one stays."""
    bucket, attempt = _patient(mirror), _attempt(content)
    for path in (*_kept(trial), trial / LOG):
        if path.is_file():
            bucket.put_file(mirror.key(trial / attempt / path.name), path)
    if bucket.put_new(mirror.key(trial / RECORD), content):
        return content
    first = bucket.get(mirror.key(trial / RECORD))
    if first is None:  # somebody has deleted it just now
        raise BlockedError(f"{mirror.shown(trial / RECORD)}: is deleted while it is written")
    if _attempt(first) != attempt:
        _forget_files(trial)
        bucket.remove(bucket.keys(mirror.key(trial / attempt)))
    return first


@contextlib.contextmanager
def amending(mirror: Mirror, trial: Path) -> Iterator[None]:
    """While nobody else amends this trial's record."""
    while True:
        with held(mirror.place(trial), "record") as lease:
            if lease is not None:
                yield
                return
        time.sleep(AMENDING_S)


def amend_record(mirror: Mirror, trial: Path, content: bytes) -> None:
    """In the place of the record that is there; under `amending`."""
    _patient(mirror).put(mirror.key(trial / RECORD), content)


def fetch_files(mirror: Mirror, trial: Path, names: Iterable[str]) -> None:
    """Masks and weights of a finished trial, those that are missing here and kept there."""
    missing = [name for name in names if not (trial / name).is_file()]
    if missing:
        attempt = _attempt((trial / RECORD).read_bytes())
        for name in missing:
            mirror.bucket.get_file(mirror.key(trial / attempt / name), trial / name)


def weights_of(mirror: Mirror, trial: Path) -> list[str]:
    """Names of the weights that are kept of a finished trial."""
    if not (trial / RECORD).is_file():
        return []
    attempt = mirror.key(trial / _attempt((trial / RECORD).read_bytes()))
    names = [key.removeprefix(f"{attempt}/") for key in mirror.bucket.keys(attempt)]
    return [name for name in names if name.startswith("weights")]


def free(mirror: Mirror, trial: Path, name: str) -> None:
    """Deletes weights at the URL."""
    mirror.bucket.remove([mirror.key(trial / _attempt((trial / RECORD).read_bytes()) / name)])


def _take(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        before = path.read_bytes()
        if path.name == SPEC and before != content:  # the mirror's was never handed out, and so its checkpoints
            shutil.rmtree(path.parent)
            path.parent.mkdir()
        elif path.suffix == ".jsonl" and len(before) >= len(content):  # the driver was killed before it told the rest
            return
    if path.name == RECORD and not (path.is_file() and _attempt(path.read_bytes()) == _attempt(content)):
        _forget_files(path.parent)
    write_atomic(path, content)


def _kept(trial: Path) -> list[Path]:
    return sorted(path for pattern in KEPT for path in trial.glob(pattern))


def _forget_files(trial: Path) -> None:
    """Masks and weights that belong to no record, or to another one's."""
    for path in _kept(trial):
        path.unlink(missing_ok=True)


def _attempt(record: bytes) -> str:
    """Which run of a trial a record is of; evaluations and measurements that are added later change nothing."""
    try:
        origin = json.loads(record)["origin"]
        return digest({name: origin.get(name) for name in ATTEMPT}, 12)
    except (ValueError, KeyError, TypeError, AttributeError):  # torn
        return digest(record.decode(errors="replace"), 12)


def _index(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads((folder / INDEX).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _patient(mirror: Mirror) -> Bucket:
    return Bucket(mirror.bucket.url, PATIENCE_S)
