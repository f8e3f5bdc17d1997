"""When trials ended, in seconds of searching: by a study's events, or by its records where it has none.

Time in which nobody searched does not count: what lies between a driver's last event and the next one that begins or
resumes, or between trials of which none ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from frontier.reports.points import Records
from frontier.reports.studied import Clock
from frontier.results.record import TrialRecord

BEGINS = ("started", "resumed")


def ended_s(events: Iterable[Mapping[str, Any]], records: Records) -> tuple[dict[int, float], Clock]:
    """Seconds of searching until each trial ended, by trial, and by whose clock."""
    if found := by_events(events):
        return found, "events"
    found = by_records(records)
    return found, "records" if found else ""


def by_events(events: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """From the moments of the events; of a trial that ended twice (its driver died between) the last one counts."""
    found: dict[int, float] = {}
    elapsed, last = 0.0, None
    for event in events:
        now = _moment(event.get("ts"))
        if now is None:
            continue
        if last is not None and event.get("event") not in BEGINS:
            elapsed += max(now - last, 0.0)
        last = now
        if event.get("event") == "finished" and isinstance(event.get("trial"), int):
            found[event["trial"]] = elapsed
    return found


def by_records(records: Records) -> dict[int, float]:
    """From each record's start and the seconds of its stages: the time in which at least one trial ran."""
    spans = []
    for trial, record in records:
        if isinstance(record, TrialRecord) and (began := _moment(record.origin.started_at)) is not None:
            spans.append((began, began + sum(record.origin.wall_s.values()), trial))
    spans.sort()
    found: dict[int, float] = {}
    for _, end, trial in spans:
        found[trial] = _busy([(a, min(b, end)) for a, b, _ in spans if a < end])
    return found


def _busy(spans: list[tuple[float, float]]) -> float:
    """Seconds that at least one of the spans, which rise by their beginning, covers."""
    total, reached = 0.0, float("-inf")
    for begin, end in spans:
        total += max(end - max(begin, reached), 0.0)
        reached = max(reached, end)
    return total


def _moment(text: object) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp() if text else None
    except ValueError:
        return None
