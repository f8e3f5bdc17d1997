"""Where a search can be hit: stages of a trial and of the driver, as the files that are opened and renamed there.

Trial 1 is hit, when trial 0 is finished or runs beside it; the teacher alone is trained by trial 0. What the words mean
is said in gate/sitecustomize.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frontier.errors import TrialFailed

LOG = r"/trials/1/log\.txt$"


STAGES: dict[str, Mapping[str, Any]] = {
    "study being written": {"event": "rename", "path": r"/\.study\.json\..*\.new$"},
    "specification being written": {"event": "rename", "path": r"/trials/1/spec\.json$"},
    "teacher": {"event": "open", "path": r"/teachers/.*/log\.txt$", "itself": "teacher: epoch 1/"},
    "teacher being written": {"event": "rename", "path": r"/teachers/.*/weights\.safetensors$"},
    "mask search": {"event": "open", "path": LOG, "itself": "search: epoch 2/"},
    "finetune": {"event": "open", "path": LOG, "itself": "finetune: epoch 1/"},
    "evaluation": {
        "event": "open",
        "path": r"/corruptions/.*-test-.*\.npy$",
        "trial": 1,
        "log": "finetune: epoch 2/",
    },
    "mask being written": {"event": "rename", "path": r"/trials/1/mask\.safetensors$"},
    "record being written": {"event": "rename", "path": r"/trials/1/record\.json$"},
    "record written, not told": {"event": "open", "path": LOG, "beside": "record.json"},
    "being told": {"event": "open", "path": r"/events.*\.jsonl$", "beside": "trials/1/record.json"},
}
OF_A_TRIAL = ("teacher", "mask search", "finetune", "evaluation", "record being written")
OF_A_WORKER = (*OF_A_TRIAL, "teacher being written", "mask being written", "record written, not told")


class Gate:
    """The outer side of a gate: a folder of its own."""

    def __init__(self, folder: Path, stage: str | None) -> None:
        """Without a stage attempts are counted and nobody is stopped."""
        folder.mkdir(parents=True)
        self.folder = folder
        (folder / "gate.json").write_text(json.dumps({} if stage is None else STAGES[stage]))

    def reached(self) -> dict[str, Any] | None:
        """Who stands there: `process`, by the number that its own host gives it, and `host`."""
        path = self.folder / "reached"
        return json.loads(path.read_text()) if path.exists() else None

    def release(self) -> None:
        (self.folder / "released").touch()

    def run_again(self) -> int:
        """Trials that were begun more than once, in other processes."""
        path = self.folder / "attempts"
        attempts = set(path.read_text().splitlines()) if path.exists() else set()
        trials = [line.split()[0] for line in attempts]
        return sum(trials.count(trial) > 1 for trial in set(trials))


class NotReached(TrialFailed):
    """The search ended before it came to the stage: the row says nothing of the fault."""
