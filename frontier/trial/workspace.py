"""A trial's folder: its log, its checkpoints, and the files by which others stop it."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import torch

from frontier.errors import Cancelled, InputError
from frontier.files import append_line, writable, write_atomic
from frontier.results.spec import TrialSpec
from frontier.results.store import CANCEL
from frontier.training.context import Context


def claim(folder: Path, spec: TrialSpec) -> None:
    """Mark the folder as this trial's, so that no other one goes on from its checkpoints.

    Raises InputError if the folder cannot be written or holds another trial.
    """
    writable(folder, "--out or --home")
    path = folder / "spec.json"
    text = spec.model_dump_json(indent=1) + "\n"
    if not path.is_file():
        write_atomic(path, text)
    elif TrialSpec.model_validate_json(path.read_bytes()) != spec:
        raise InputError(
            "holds another trial", where=str(folder), expected="the same spec", fix="give another folder with --out"
        )


class Workspace:
    """Opened once a trial; `wall_s` adds up the seconds of each stage."""

    def __init__(self, folder: Path, *, deadline_s: float | None = None) -> None:
        self.folder = folder
        self.wall_s: dict[str, float] = {}
        self._started = time.monotonic()
        self._deadline_s = deadline_s
        folder.mkdir(parents=True, exist_ok=True)

    def log(self, line: str) -> None:
        """One line in log.txt, with the time in UTC."""
        append_line(self.folder / "log.txt", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}".encode())

    def check(self) -> None:
        """Raises Cancelled if somebody asked for it or the deadline has passed."""
        if (self.folder / CANCEL).exists():
            raise Cancelled("cancelled by request")
        if self._deadline_s is not None and time.monotonic() - self._started > self._deadline_s:
            raise Cancelled.late(self._deadline_s)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the story, and stop before it if the trial was cancelled."""
        self.check()
        started = time.monotonic()
        try:
            yield
        finally:
            self.wall_s[name] = round(self.wall_s.get(name, 0.0) + time.monotonic() - started, 3)

    def context(self, device: torch.device) -> Context:
        return Context(device=device, checkpoints=self.folder / "checkpoints", log=self.log, check=self.check)

    def finish(self) -> None:
        """A finished trial needs no checkpoints."""
        shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)
