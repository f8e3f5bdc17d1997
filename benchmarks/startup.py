"""How long `frontier --help` and `import frontier` take, beside an empty Python: `python benchmarks/startup.py`."""

import platform
import statistics
import subprocess
import sys
import time

REPEATS = 9
CASES = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import frontier": [sys.executable, "-c", "import frontier"],
    "frontier --help": [sys.executable, "-m", "frontier", "--help"],
}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    machine = platform.processor() or platform.machine()
    print(f"{machine}, Python {platform.python_version()}, {REPEATS} interleaved repeats")
    taken: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(REPEATS + 1):
        for name, command in CASES.items():
            taken[name].append(seconds(command))
    for name, all_of_them in taken.items():
        warm = all_of_them[1:]
        print(f"{name:18} median {statistics.median(warm):.3f} s, {min(warm):.3f} to {max(warm):.3f}")


if __name__ == "__main__":
    main()
