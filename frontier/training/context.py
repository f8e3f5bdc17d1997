"""What a training stage needs of its surroundings: device, log, a way to be stopped, and checkpoints."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from frontier.files import write_atomic
from frontier.nn.network import Classifier
from frontier.training.rehearsal import Rehearsal

CHECKPOINT_EVERY_S = 15.0


@dataclass(frozen=True)
class Context:
    """`check` raises Cancelled when the trial must stop; it is called once an epoch and while waiting. `rung` is told
    after each epoch of a finetuning (stage, the network that would be served, epochs done, of how many) and may raise
    Pruned."""

    device: torch.device
    checkpoints: Path
    log: Callable[[str], None] = lambda _: None
    check: Callable[[], None] = lambda: None
    rung: Callable[[str, Callable[[], Classifier], int, int], None] | None = None
    checkpoint_every_s: float = CHECKPOINT_EVERY_S
    passes: dict[str, float] = field(default_factory=dict)  # spent so far, by stage; see `spend`
    rehearsal: Rehearsal | None = None  # then trainings are begun and timed, not done
    shared: dict[str, float] = field(default_factory=dict)  # what it took once to train what many trials share, by name
    reused: dict[str, str] = field(default_factory=dict)  # what was there already, by name; see `Origin.reused`
    _saved_at: dict[str, float] = field(default_factory=dict)

    def spend(self, stage: str, passes: float) -> None:
        """Say what a stage has cost so far, in network passes per training image: forward 1, forward and backward 3.

        A later word on the same stage replaces the former, so that a resumed stage is not charged twice.
        """
        self.passes[stage] = passes

    def has(self, stage: str) -> bool:
        """Whether `save` was called for this stage."""
        return (self.checkpoints / f"{stage}.pt").is_file()

    def load(self, stage: str) -> dict[str, Any] | None:
        """The last checkpoint of a stage, tensors only (never a pickled object), or None."""
        path = self.checkpoints / f"{stage}.pt"
        if not path.is_file():
            return None
        saved: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        return saved

    def save(self, stage: str, state: Callable[[], dict[str, Any]], *, final: bool) -> None:
        """Written whole or not at all. Between epochs only every `checkpoint_every_s`, at a stage's end always."""
        now = time.monotonic()
        if not final and now - self._saved_at.setdefault(stage, now) < self.checkpoint_every_s:
            return
        self._saved_at[stage] = now
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()  # PyTorch does not say of a file that it cannot write whether the disk is full
        torch.save(state(), content)
        write_atomic(self.checkpoints / f"{stage}.pt", content.getvalue())
