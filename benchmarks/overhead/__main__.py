"""What a trial costs besides its training, and what a driver takes at 10,000 records.

python benchmarks/overhead [--trials 200] [--repeats 5] [--at-once CORES] [--records 10000] [--sampler tpe]

Trials that do nothing but leave a record, by frontier on Ray with reused workers and inline, beside plain Optuna with a
pool of as many processes, its study in SQLite and in memory. Each run is a process of its own, the runs interleaved.
Then a study of --records records is made, and resumed with and without its database. A quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from frontier.trial.origin import machine

HERE = Path(__file__).parent
RUNNERS = ("frontier, ray", "frontier, inline", "Optuna, pool, SQLite", "Optuna, pool, in memory")
LIBRARIES = ("optuna", "ray", "SQLAlchemy", "pydantic")
GO_ON = 20  # trials after catching up with a large study


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=len(os.sched_getaffinity(0)), help="trials; default: the cores")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--runners", nargs="+", choices=RUNNERS, default=RUNNERS, metavar="RUNNER")
    parser.add_argument("--part", nargs=2, metavar=("NAME", "JSON"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.trials < 2:
        parser.error("--trials: at least 2, for what a trial costs is the time between the first and the last")
    if arguments.part:
        print(json.dumps(part(arguments.part[0], json.loads(arguments.part[1]))))
        return 0
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    print(f"{machine()}, Python {platform.python_version()}, {versions}, sampler {arguments.sampler}\n", flush=True)
    beside(arguments)
    large(arguments)
    return 0


def beside(arguments: argparse.Namespace) -> None:
    """Prints the runners' table."""
    found: dict[str, list[dict[str, float]]] = {runner: [] for runner in arguments.runners}
    asked = {"trials": arguments.trials, "at_once": arguments.at_once, "sampler": arguments.sampler}
    for _ in range(arguments.repeats):
        for runner in arguments.runners:
            found[runner].append(apart("run", {"runner": runner, **asked}))
    print(f"{arguments.trials} trials that do nothing, {arguments.at_once} at once (inline: one after another)")
    print(f"medians of {arguments.repeats} interleaved runs, in brackets the smallest and the largest\n")
    print("| | ms a trial | start and end, s | all, s |\n|---|---|---|---|")
    for runner, runs in found.items():
        cells = [spread([run[key] for run in runs], digits) for key, digits in COLUMNS]
        print(f"| {runner} | {' | '.join(cells)} |", flush=True)


COLUMNS = (("each_ms", 1), ("edge_s", 2), ("whole_s", 2))


def large(arguments: argparse.Namespace) -> None:
    """Prints what a large study takes."""
    if not arguments.records:
        return
    with tempfile.TemporaryDirectory(prefix="overhead-") as home:
        about = {"home": home, "records": arguments.records}
        size = apart("make", {**about, "sampler": arguments.sampler})["bytes"]
        rebuilt = apart("resume", {**about, "rebuilt": True})
        resumed = apart("resume", {**about, "rebuilt": False})
        going = apart("go_on", {**about, "more": GO_ON})
    print(f"\na study of {arguments.records:,} records of {size / 1000:.1f} kB; one run each\n")
    print("| | seconds | driver before, MiB | driver at most, MiB |\n|---|---|---|---|")
    for name, row in (("resume", resumed), ("resume without the sampler's database", rebuilt)):
        print(f"| {name} | {row['seconds']:.1f} | {row['before_mib']:.0f} | {row['peak_mib']:.0f} |")
    print(
        f"\nthen {GO_ON} trials: {going['ask_ms']:.0f} ms to ask, {going['tell_ms']:.0f} ms to tell, on average; "
        f"the driver holds {going['resident_mib']:.0f} MiB"
    )


def apart(name: str, about: Mapping[str, Any]) -> dict[str, float]:
    """A part in a process of its own."""
    command = [sys.executable, str(HERE), "--part", name, json.dumps(about)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} {about}: {done.stderr}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def part(name: str, about: Mapping[str, Any]) -> dict[str, float]:
    """What that process does."""
    if name == "run":
        from runners import run

        return run(about["runner"], about["trials"], about["at_once"], about["sampler"])
    import large as study

    home, records = Path(about["home"]), about["records"]
    if name == "make":
        return study.make(home, records, about["sampler"])
    if name == "go_on":
        return study.go_on(home, records, about["more"])
    return study.resume(home, records, rebuilt=about["rebuilt"])


def spread(values: Sequence[float], digits: int) -> str:
    """`12.3 (11.9 to 14.0)`."""
    middle, low, high = (f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({low} to {high})"


if __name__ == "__main__":
    sys.exit(main())
