"""Every fault at every stage of a search: what is lost, counted twice or half-written, and how the search goes on.

python benchmarks/faults [--only kill-worker] [--backend ray|inline] [--stage finetune] [--trials 4] [--write]

Small real searches on the digits. A row is written down as soon as it is played, and the same command goes on with the
rows that are missing; --again plays them all. The exit code is 1 if anything was lost, duplicated or half-written.
Faults of nodes and full disks take Linux and root, those of databases PostgreSQL: a row that cannot be played says why.
--report prints the table of the evidence and plays nothing, --write puts it into the document. About 25 seconds a row.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path += [
    str(ROOT / "tests" / "driver"),
    str(ROOT / "tests" / "cluster"),
]  # the servers, disks and hosts of the tests

import examine  # noqa: E402 - found by the line above, as is what it imports
import words  # noqa: E402
from play import Seen  # noqa: E402
from rows import FAULTS, Row, impossible, rows, stage_set  # noqa: E402
from scenes import NAME, Scene, search  # noqa: E402
from stages import NotReached  # noqa: E402

from frontier.__main__ import guarded  # noqa: E402
from frontier.files import write_atomic  # noqa: E402
from frontier.results.store import Study  # noqa: E402
from frontier.trial.origin import code_version, machine  # noqa: E402

EVIDENCE = ROOT / "results" / "reference" / "faults"
LIBRARIES = ("torch", "ray", "optuna", "SQLAlchemy", "psycopg")


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=FAULTS, metavar="FAULT", help=f"one of {', '.join(FAULTS)}")
    parser.add_argument("--backend", choices=("ray", "inline"))
    parser.add_argument("--stage", action="append")
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--evidence", type=Path, default=EVIDENCE, help="a folder with a JSON file for each fault")
    parser.add_argument("--again", action="store_true", help="play rows that are there, too")
    parser.add_argument("--report", action="store_true", help="print the table and play nothing")
    parser.add_argument("--write", action="store_true", help=f"put the table into {words.DOCUMENT}")
    arguments = parser.parse_args(given)
    chosen = rows(arguments.only, arguments.backend, arguments.stage)
    if not chosen:
        parser.error("no such row")
    if not arguments.report:
        measure(chosen, arguments.trials, arguments.evidence, again=arguments.again)
    found = words.read(arguments.evidence)
    for line in words.table(found):
        print(line)
    if arguments.write:
        words.write(ROOT / words.DOCUMENT, found)
    return 1 if any(map(words.broken, found)) else 0


def measure(chosen: Sequence[Row], trials: int, evidence: Path, *, again: bool) -> None:
    """Plays the rows that are missing, and writes each down."""
    there = {row["key"] for row in words.read(evidence) if not words.broken(row) and "not_run" not in row}
    missing = [row for row in chosen if again or row.key not in there]
    with tempfile.TemporaryDirectory(prefix="faults-calm-") as folder:
        calm = Path(folder)
        if any(impossible(row) is None for row in missing):
            subprocess.run(search(calm, "inline", trials), cwd=calm, check=True, capture_output=True)
        for number, row in enumerate(missing, start=1):
            started = time.monotonic()
            found = {"key": row.key, "fault": row.fault, "stage": row.stage, "backend": row.backend}
            found |= played(row, trials, Study(calm, NAME)) | {"seconds": round(time.monotonic() - started, 1)} | here()
            note(evidence / f"{row.fault}.json", found)
            verdict = found.get("not_run") or ("NOT ok" if words.broken(found) else "ok")
            print(f"{number}/{len(missing)} {row.key}: {verdict}", file=sys.stderr, flush=True)


def played(row: Row, trials: int, calm: Study) -> dict[str, Any]:
    """What became of the search."""
    if reason := impossible(row):
        return {"not_run": reason}
    try:
        with stage_set(row, trials) as (scene, play):
            return examined(scene, play(scene), calm)
    except (AssertionError, NotReached, subprocess.TimeoutExpired) as error:
        return {"went_wrong": f"{error}"[:3000]}


def examined(scene: Scene, seen: Seen, calm: Study) -> dict[str, Any]:
    """The study at the end, beside the one that nobody disturbed."""
    torn = [*seen.torn, *examine.half_written(scene.seen, at_rest=True)]
    return {
        "trials": scene.trials,
        "before": len(seen.before),
        "after": len(examine.snapshot(scene.study)),
        "lost": examine.lost(scene.study, seen.before, scene.trials),
        "duplicated": examine.duplicated(scene.study, scene.trials, scene.told()),
        "half_written": len(torn),
        "half_written_files": torn,
        "differing": examine.differing(scene.study, calm),
        "run_again": scene.gate.run_again(),
        "went_on": seen.went_on,
        "exit_code": seen.exit_code,
        "said": words.last_words(seen.said, str(scene.folder), str(scene.home.parent)),
    }


def here() -> dict[str, Any]:
    """Where and when a row was played."""
    versions = {"Python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}}
    return {
        "machine": machine(),
        "versions": versions,
        "date": datetime.now(UTC).date().isoformat(),
        "code_version": code_version(),
    }


def note(path: Path, row: dict[str, Any]) -> None:
    """Writes a row down in the place of the one of before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [one for one in words.read_file(path) if one["key"] != row["key"]]
    order = [one.key for one in rows()]
    kept = sorted([*kept, row], key=lambda one: order.index(one["key"]))
    write_atomic(path, json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    guarded(main, "interrupted; the same command goes on")
