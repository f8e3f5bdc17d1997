"""What runs in a Ray worker. It imports neither Ray nor Optuna, so that a worker starts fast and stays small."""

from __future__ import annotations

import gc
import socket
import sys
import time
from dataclasses import replace
from typing import Any

from frontier.driver.backends._share import take_share
from frontier.driver.deadline import in_worker
from frontier.driver.work import Asked, Work, attempt
from frontier.errors import BlockedError, InputError
from frontier.mirror import home_at
from frontier.results.objectives import ACCURACIES
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import Study

SEEN_AFTER_S = 60.0  # NFS may show a new file that much too late


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
    try:
        spec = _spec(study, trial)
        record = attempt(work, Asked(trial, spec, study.trial_folder(trial), config["code_version"]), in_worker)
    except (BlockedError, InputError) as error:
        return {"trial": trial, "blocked": isinstance(error, BlockedError), "message": str(error)}
    return _numbers(trial, record)


def _spec(study: Study, trial: int) -> TrialSpec:
    """What was handed out under this number. Raises InputError where this node does not see it: that is no failure of
    the trial, and would meet every one."""
    end = time.monotonic() + SEEN_AFTER_S
    while (spec := study.spec(trial)) is None:
        if time.monotonic() >= end:
            raise InputError(
                f"the node {socket.gethostname()} does not see the study's trials",
                where=str(study.trial_folder(trial)),
                expected="a home that all nodes see under one path (a shared file system), or a URL",
                fix="'frontier doctor --address' with this --home names the nodes that do not",
            )
        time.sleep(1.0)
    return spec


def _numbers(trial: int, record: TrialRecord) -> dict[str, Any]:
    numbers: dict[str, Any] = {"trial": trial, "state": record.state}
    if record.state == "complete":
        asked = record.points[0]
        numbers |= {name: getattr(asked.validation, name).value for name in ACCURACIES}
        numbers["relu_count"] = asked.relu_count
    return numbers
