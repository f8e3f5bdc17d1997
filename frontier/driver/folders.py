"""What the folders of a study say: which trials are finished, which wait for their record, which cannot be read."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from frontier.errors import RecordError
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import Study


@dataclass(frozen=True)
class Found:
    """Trials by number."""

    finished: dict[int, TrialRecord]
    unfinished: dict[int, TrialSpec]
    unreadable: dict[int, RecordError]


def look(study: Study) -> Found:
    """Reads every trial's folder. One that was claimed but never handed out (no spec, no record) is removed."""
    found = Found({}, {}, {})
    for trial in study.trials():
        try:
            if study.finished(trial):
                found.finished[trial] = study.record(trial)
            elif spec := study.spec(trial):
                found.unfinished[trial] = spec
            else:
                shutil.rmtree(study.trial_folder(trial))
        except RecordError as error:
            found.unreadable[trial] = error
    return found
