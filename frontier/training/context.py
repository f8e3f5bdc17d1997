"""What a training stage needs of its surroundings: device, log, a way to be stopped, and checkpoints."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

CHECKPOINT_EVERY_S = 15.0


@dataclass(frozen=True)
class Context:
    """`check` raises Cancelled when the trial must stop; it is called once an epoch and while waiting."""

    device: torch.device
    checkpoints: Path
    log: Callable[[str], None] = lambda _: None
    check: Callable[[], None] = lambda: None
    checkpoint_every_s: float = CHECKPOINT_EVERY_S
    _saved_at: dict[str, float] = field(default_factory=dict)

    def load(self, stage: str) -> dict[str, Any] | None:
        """The last checkpoint of a stage, tensors only (never a pickled object), or None."""
        path = self.checkpoints / f"{stage}.pt"
        if not path.is_file():
            return None
        saved: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.log(f"{stage}: goes on after epoch {saved['epochs']}")
        return saved

    def save(self, stage: str, state: Callable[[], dict[str, Any]], *, final: bool) -> None:
        """Write aside and rename. Between epochs only every `checkpoint_every_s`, at a stage's end always."""
        now = time.monotonic()
        if not final and now - self._saved_at.setdefault(stage, now) < self.checkpoint_every_s:
            return
        self._saved_at[stage] = now
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        path = self.checkpoints / f"{stage}.pt"
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        torch.save(state(), aside)
        aside.replace(path)
