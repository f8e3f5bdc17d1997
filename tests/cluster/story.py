"""One search on three hosts, one of which is cut off and whose driver is killed, beside an undisturbed one.

The full form, on the digits and with the sampler's memory in a PostgreSQL server that it starts on the head:

    python tests/cluster/story.py --trials 24

Needs Linux, root and PostgreSQL. What it prints ends with `ok`, or the exit code is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import hosts
import postgresql

from frontier.api.study import open_study
from frontier.results.record import TrialRecord
from frontier.results.store import Study

SEED = "5"
WAIT_S = 900.0


@dataclass(frozen=True)
class Told:
    """What became of the disturbed search. `by_host`: complete trials by the host that ran them."""

    trials: int
    complete: int
    told_twice: tuple[int, ...]
    lost: tuple[int, ...]  # finished before the driver was killed, and other or gone at the end
    differ: tuple[int, ...]  # trials whose record is not that of the undisturbed search
    front: tuple[str, ...]
    undisturbed_front: tuple[str, ...]
    by_host: dict[str, int]
    finished_at_cut: int
    finished_at_kill: int
    wall_s: float
    reasons: tuple[str, ...]  # why trials are not complete

    @property
    def ok(self) -> bool:
        whole = self.complete == self.trials and not (self.told_twice or self.lost or self.differ)
        return whole and self.front == self.undisturbed_front


def tell(
    folder: Path, *, space: str, trials: int, sampler: str = "random", database: hosts.Database | None = None
) -> Told:
    """Both searches under `folder`: the cable of one worker is pulled after a third of the trials, the driver is killed
    after two thirds of them and goes on with --resume."""
    words = [sys.executable, "-m", "frontier", "search", space, "--name", "story", "--trials", str(trials)]
    words += ["--seed", SEED, "--sampler", sampler, "--progress", "none"]
    calm, home = folder / "undisturbed", folder / "home"
    subprocess.run([*words, "--home", str(calm), "--backend", "inline"], cwd=folder, check=True, capture_output=True)
    started = time.monotonic()
    with hosts.cluster(workers=2, database=database) as cluster:
        words += ["--home", str(home), "--address", cluster.gcs]
        study = Study(home, "story")
        with open(folder / "driver.txt", "w", encoding="utf-8") as log:
            driver = cluster.head.start(words, cwd=folder, stdout=log, stderr=log)
            cut = _wait_for(study, trials // 3, driver)
            cluster.pull_cable(cluster.workers[-1])
            killed = _wait_for(study, 2 * trials // 3, driver)
            kept = _records(study)
            hosts.kill(driver)
            driver.wait()
            resumed = cluster.head.start([*words, "--resume"], cwd=folder, stdout=log, stderr=log)
            code = resumed.wait(timeout=WAIT_S)
        assert code == 0, (folder / "driver.txt").read_text(encoding="utf-8")
    wall_s = time.monotonic() - started
    return _told(study, calm, kept, trials, cut, killed, wall_s)


def _told(
    study: Study, calm: Path, kept: dict[int, TrialRecord], trials: int, cut: int, killed: int, wall_s: float
) -> Told:
    records, undisturbed = _records(study), _records(Study(calm, "story"))
    times = Counter(event["trial"] for event in study.events() if event["event"] == "finished")
    return Told(
        trials=trials,
        complete=sum(record.state == "complete" for record in records.values()),
        told_twice=tuple(trial for trial, count in times.items() if count > 1),
        lost=tuple(trial for trial, record in kept.items() if records.get(trial) != record),
        differ=tuple(
            trial
            for trial in sorted(records.keys() | undisturbed.keys())
            if trial not in records
            or trial not in undisturbed
            or records[trial].comparable() != undisturbed[trial].comparable()
        ),
        front=_front(study.home),
        undisturbed_front=_front(calm),
        by_host=dict(Counter((record.origin.host or "nobody").split()[0] for record in records.values())),
        finished_at_cut=cut,
        finished_at_kill=killed,
        wall_s=wall_s,
        reasons=tuple(f"trial {trial}: {record.reason}" for trial, record in records.items() if record.reason),
    )


def _front(home: Path) -> tuple[str, ...]:
    return tuple(f"{found.address} at {found.point.relu_count} ReLUs" for found in open_study("story", home).front())


def _records(study: Study) -> dict[int, TrialRecord]:
    return {trial: study.record(trial) for trial in study.trials() if study.finished(trial)}


def _wait_for(study: Study, finished: int, driver: subprocess.Popen[str]) -> int:
    def reached() -> bool:
        assert driver.poll() is None, f"the driver ended with {driver.returncode} before it was disturbed"
        return _finished(study) >= finished

    hosts.wait_until(reached, f"{finished} finished trials", WAIT_S)
    return _finished(study)


def _finished(study: Study) -> int:
    return len(list(study.folder.glob("trials/*/record.json")))


def own_database() -> hosts.Database | None:
    """Starts a server; None where PostgreSQL is not installed."""
    programs = postgresql.installed()
    return partial(_started, programs) if programs else None


def _started(programs: Path, host: hosts.Host, folder: Path) -> str:
    return postgresql.start(host, programs, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="digits")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--sampler", default="random")
    parser.add_argument("--storage", help="the URL of another server; default: one that is started on the head")
    parser.add_argument("--folder", type=Path, help="a new folder for both homes; default: a temporary one")
    given = parser.parse_args()
    if reason := hosts.possible():
        print(f"not possible here: {reason}", file=sys.stderr)
        return 3
    database = own_database() if given.storage is None else lambda *_: given.storage
    if database is None:
        print("not possible here: PostgreSQL, or psycopg, is not installed", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="story-") as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        told = tell(folder, space=given.space, trials=given.trials, sampler=given.sampler, database=database)
    print(f"{told.trials} trials of {given.space}, sampler {given.sampler}, PostgreSQL, three hosts, tokens on")
    print(
        f"cable of worker2 pulled with {told.finished_at_cut} finished, driver killed -9 with {told.finished_at_kill}"
    )
    print(f"complete {told.complete}, told twice {len(told.told_twice)}, lost {len(told.lost)}, by host {told.by_host}")
    print("".join(f"{reason}\n" for reason in told.reasons), end="")
    print(f"records that differ from the undisturbed inline search: {len(told.differ)}")
    print(f"front of {len(told.front)} points, equal to the undisturbed one: {told.front == told.undisturbed_front}")
    print(f"{told.wall_s:.0f} s on the cluster")
    print("ok" if told.ok else "NOT ok")
    return 0 if told.ok else 1


if __name__ == "__main__":
    sys.exit(main())
