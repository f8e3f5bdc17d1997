"""What runs in a Ray worker. It imports neither Ray nor Optuna, so that a worker starts fast and stays small."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from typing import Any

from frontier.driver.backends._share import take_share
from frontier.driver.deadline import in_worker
from frontier.driver.work import Asked, Work, attempt
from frontier.errors import BlockedError, InputError
from frontier.mirror import home_at
from frontier.results.objectives import ACCURACIES
from frontier.results.record import TrialRecord
from frontier.results.store import Study


def run_here(config: dict[str, Any], work: Work, study: Study) -> dict[str, Any]:
    """One trial in a process that has run others before. What Tune is told is for its own books only."""
    take_share(work)
    gc.collect()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()
    trial = int(config["trial"])
    if work.url is not None:
        home = home_at(work.url)
        work, study = replace(work, runtime=replace(work.runtime, home=home)), Study(home, study.name)
        study.arrived(trial)
    spec = study.spec(trial)
    assert spec is not None, f"trial {trial} was handed out without a specification"
    try:
        record = attempt(work, Asked(trial, spec, study.trial_folder(trial), config["code_version"]), in_worker)
    except (BlockedError, InputError) as error:
        return {"trial": trial, "blocked": isinstance(error, BlockedError), "message": str(error)}
    return _numbers(trial, record)


def _numbers(trial: int, record: TrialRecord) -> dict[str, Any]:
    numbers: dict[str, Any] = {"trial": trial, "state": record.state}
    if record.state == "complete":
        asked = record.points[0]
        numbers |= {name: getattr(asked.validation, name).value for name in ACCURACIES}
        numbers["relu_count"] = asked.relu_count
    return numbers
