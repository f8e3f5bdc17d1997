"""Rungs: how a trial stands when a share of its finetuning is done. A file each: they outlive workers and drivers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, ValidationError

from frontier.files import write_atomic
from frontier.frozen import Grown
from frontier.mirror import fetch, fetch_each, mirror_of, publish


class Rung(Grown):
    """Accuracies on validation, on few images where they are dear. `level`: so often is what is done still to be
    multiplied by the pruner's reduction until the finetuning is over. `stopped` says why the trial went no further.
    Seconds of wall time: `since_s` from where this process began the trial, less those at rungs; `measure_s` that
    measuring took, `ask_s` asking the pruner about all the others."""

    NEWER: ClassVar[frozenset[str]] = frozenset({"since_s", "measure_s", "ask_s"})

    version: Literal[1] = 1
    level: int = Field(ge=1)
    relu_count: int = Field(ge=0)
    clean: float = Field(ge=0, le=1)
    corrupted: float = Field(ge=0, le=1)
    adversarial: float = Field(ge=0, le=1)
    stopped: str | None = None
    since_s: float | None = Field(default=None, ge=0)
    measure_s: float | None = Field(default=None, ge=0)
    ask_s: float | None = Field(default=None, ge=0)

    @property
    def accuracies(self) -> tuple[float, float, float]:
        return self.clean, self.corrupted, self.adversarial


def write_rung(trial: Path, rung: Rung) -> None:
    """Into the trial's folder, at once as a whole."""
    write_atomic(_path(trial, rung.level), rung.model_dump_json() + "\n")
    publish(_path(trial, rung.level))


def rung_of(trial: Path, level: int) -> Rung | None:
    """What the trial wrote when it was there; None before that, and where it cannot be read."""
    fetch(_path(trial, level))
    try:
        return Rung.model_validate_json(_path(trial, level).read_bytes())
    except (OSError, ValidationError):
        return None


def rungs_beside(trial: Path, level: int) -> Iterator[Rung]:
    """Those of the other trials of the study."""
    if mirror := mirror_of(trial):
        keys = mirror.bucket.keys(mirror.key(trial.parent))
        fetch_each(mirror.path(key) for key in keys if key.endswith(f"/{_path(trial, level).name}"))
    for path in trial.parent.glob(f"*/{_path(trial, level).name}"):
        if path.parent != trial and (found := rung_of(path.parent, level)) is not None:
            yield found


def _path(trial: Path, level: int) -> Path:
    return trial / f"rung-{level}.json"
