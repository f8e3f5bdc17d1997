"""Runtime: where and with what a trial runs. Nothing here may change what a complete trial has found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from frontier.errors import BlockedError, InputError
from frontier.shelves import TRAJECTORIES_GB


@dataclass(frozen=True)
class Runtime:
    """`home` holds teachers and studies; `data` the data sets' files (None: FRONTIER_DATA)."""

    home: Path
    data: Path | None = None
    download: bool = False
    device: str = "auto"
    threads: int = 1
    keep_weights: bool = True
    trajectories_bytes: int = int(TRAJECTORIES_GB * 1e9)  # for mask searches that trials share; 0: share none
    deadline_s: float | None = None  # a trial that runs longer is cancelled
    pruner: str | None = None  # who stops the trial at a rung where others of its study stand better
    plugins: tuple[Path, ...] = ()  # folders, for a worker that does not inherit FRONTIER_PLUGINS

    def data_folder(self) -> Path | None:
        if self.data is not None:
            return self.data
        return Path(os.environ["FRONTIER_DATA"]) if os.environ.get("FRONTIER_DATA") else None

    def torch_device(self) -> torch.device:
        """Raises InputError for an unknown device, BlockedError for one that is not there."""
        if self.device not in ("auto", "cpu", "cuda"):
            raise InputError("unknown device", where="--device", expected="auto, cpu or cuda", got=self.device)
        if self.device == "cuda" and not torch.cuda.is_available():
            raise BlockedError("--device cuda: this PyTorch sees no CUDA device; use --device cpu or auto")
        if self.device == "cpu" or not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda")
