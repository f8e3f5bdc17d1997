"""What a study really took: seconds by method and stage from its records, wall time from its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from frontier.errors import InputError
from frontier.results.record import TrialRecord
from frontier.results.store import Study
from frontier.spaces.space import Space

TEACHER = "teacher"
KEPT = ("record.json", "spec.json", "mask*.safetensors", "weights*.safetensors")  # of a trial, as an estimate counts
BEGIN, END = ("started", "resumed"), ("done", "interrupted")


def took(home: Path, name: str, question: Space) -> dict[str, Any]:
    """Of a study of this question; means over its complete trials. `stages_s` leaves out the wait for the teacher, of
    which `teacher_s` is the longest. Raises InputError for a study of another question, or without such a trial."""
    study = Study.open(home, name)
    if (made_for := study.manifest().space_hash) != question.space_hash:
        raise InputError(
            f"the study '{name}' answers another question",
            where="--against",
            expected=f"space {question.space_hash}",
            got=made_for,
        )
    readable = [record for _, record in study.records() if isinstance(record, TrialRecord)]
    records = [record for record in readable if record.state == "complete"]
    if not records:
        raise InputError(f"the study '{name}' has no complete trial", where="--against")
    methods = sorted({record.spec.method for record in records})
    by_method = {method: [record for record in records if record.spec.method == method] for method in methods}
    size_bytes = sum(path.stat().st_size for kind in KEPT for path in study.folder.glob(f"trials/*/{kind}"))
    return {
        "study": name,
        "trials": len(records),
        "methods": {method: _method(found) for method, found in by_method.items()},
        "teacher_s": max(record.origin.wall_s.get(TEACHER, 0.0) for record in records),
        "search_s": round(sum(_sessions(study.events())), 3),
        "disk_bytes": size_bytes,  # of the trials; corrupted images lie elsewhere
        "hosts": sorted({record.origin.host for record in records if record.origin.host}),
    }


def _method(records: list[TrialRecord]) -> dict[str, Any]:
    timed = [record.origin.wall_s for record in records]
    stages = {stage: [wall_s[stage] for wall_s in timed if stage in wall_s] for stage in _stages(records)}
    means = {stage: round(fmean(seconds), 3) for stage, seconds in stages.items() if stage != TEACHER}
    return {"trials": len(records), "trial_s": round(sum(means.values()), 3), "stages_s": means}


def _stages(records: Iterable[TrialRecord]) -> list[str]:
    return list(dict.fromkeys(stage for record in records for stage in record.origin.wall_s))


def _sessions(events: Iterable[Mapping[str, Any]]) -> Iterable[float]:
    """Seconds from each driver's beginning to its end; one that was killed counts up to its last event."""
    begun = last = None
    for event in events:
        now = datetime.fromisoformat(event["ts"]).timestamp()
        if event.get("event") in BEGIN:
            if begun is not None and last is not None:
                yield last - begun
            begun = now
        last = now
        if event.get("event") in END and begun is not None:
            yield now - begun
            begun = None
    if begun is not None and last is not None:
        yield last - begun
