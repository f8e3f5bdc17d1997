"""A study of many records: what its driver takes to catch up with it, in seconds and memory."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

from nothing import record_of
from runners import SPACE, made

import frontier
from frontier.api.lookups import load_space
from frontier.driver.database import FILE
from frontier.driver.memory import Memory
from frontier.driver.seeds import derive
from frontier.driver.study import Search
from frontier.results.store import Study, write_record


def make(home: Path, records: int, sampler: str) -> dict[str, float]:
    """Folders as a search leaves them, without the sampler's database."""
    space = load_space(SPACE)
    study, drawn = made(home, space, sampler), Memory(None, space, "random", 1)
    for trial in range(records):
        spec = space.spec(next(drawn.ask(trial)), seed=derive(space.space_hash, 0, trial))
        folder = study.trial_folder(trial)
        folder.mkdir()
        (folder / "spec.json").write_text(spec.model_dump_json(indent=1) + "\n")
        (folder / "record.json").write_text(record_of(spec, trial).model_dump_json(indent=1) + "\n")
    return {"bytes": sum(path.stat().st_size for path in study.folder.glob("trials/*/record.json")) / records}


def resume(home: Path, records: int, *, rebuilt: bool) -> dict[str, float]:
    """Seconds of `frontier search --resume` on a study that has its total; `rebuilt`: its database is gone before."""
    study = Study.open(home, SPACE)
    if rebuilt:
        for path in study.folder.glob(f"{FILE}*"):
            path.unlink()
    before, started = _resident_mib(), time.perf_counter()
    view = frontier.search(SPACE, home=home, resume=True, trials=records, backend="inline")
    seconds = time.perf_counter() - started
    assert view.name == study.name
    return {"seconds": seconds, "before_mib": before, "peak_mib": _peak_mib()}


def go_on(home: Path, records: int, more: int) -> dict[str, float]:
    """Milliseconds of asking for a trial and of telling its record once the driver has caught up, and its memory."""
    space, taken = load_space(SPACE), {"ask_ms": 0.0, "tell_ms": 0.0}
    with Search(Study.open(home, SPACE), space, trials=records + more) as search:
        for _ in range(more):
            started = time.perf_counter()
            asked = search.ask()
            assert asked is not None
            taken["ask_ms"] += 1000 * (time.perf_counter() - started) / more
            write_record(asked.folder, record_of(asked.spec, asked.trial))
            started = time.perf_counter()
            search.collect(asked.trial)
            taken["tell_ms"] += 1000 * (time.perf_counter() - started) / more
        return taken | {"resident_mib": _resident_mib(), "peak_mib": _peak_mib()}


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
