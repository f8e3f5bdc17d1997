"""The demo from start to end: minutes, peak memory of all its processes, and how visible the trade-off is.

    python benchmarks/demo.py

Memory is the sum of the proportional set sizes (PSS) of the search and everything it started, read twice a second.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVERY_S = 0.5


def family(root: int) -> set[int]:
    """`root` and all its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found, more = {root}, True
    while more:
        new = {pid for pid, parent in parents.items() if parent in found} - found
        found, more = found | new, bool(new)
    return found


def pss_bytes(pids: set[int]) -> int:
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        search = subprocess.Popen(
            [sys.executable, "-m", "frontier", "search", "digits", "--keep", "all"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        peak = 0
        while search.poll() is None:
            peak = max(peak, pss_bytes(family(search.pid)))
            time.sleep(EVERY_S)
        seconds = time.perf_counter() - started
        records = [
            json.loads(path.read_text()) for path in Path(folder).glob("results/studies/digits/trials/*/record.json")
        ]
        page = Path(folder, "reports/rendered/digits.html").stat().st_size
    clean = {}
    for record in records:
        if record["state"] == "complete":
            point = record["points"][0]
            value = point["validation"]["clean"]["value"]
            clean[point["relu_count"]] = max(value, clean.get(point["relu_count"], 0))
    full = max(clean)
    best, least = max(clean.values()), max(value for count, value in clean.items() if count <= 0.01 * full)
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}, 1 run")
    print(f"exit code {search.returncode}, {seconds:.0f} s, peak {peak / 1e9:.2f} GB PSS, report {page / 1e6:.2f} MB")
    print(f"{sum(r['state'] == 'complete' for r in records)} complete trials, {min(clean)} to {full} of {full} ReLUs")
    print(f"clean accuracy on validation: best {best:.1%}, at 1 % of the ReLUs or less {least:.1%}")


if __name__ == "__main__":
    main()
