"""A search that is to be disturbed: where its files lie, how its driver is started, and what it said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import examine
from stages import Gate, NotReached

from frontier.driver.storage import STORAGE
from frontier.results.store import Study

HERE = Path(__file__).parent
SPACE = HERE / "machinery.yaml"
NAME = "machinery"
SEED = "5"
WAIT_S = 300.0
Words = Callable[[Sequence[str], Path], list[str]]


@dataclass
class Scene:
    """`home` is the folder that the search is given, `seen` the same folder as this process sees it. `words` wraps a
    command where it has to run elsewhere."""

    folder: Path
    home: Path
    seen: Path
    backend: str
    trials: int
    gate: Gate
    options: tuple[str, ...] = ()
    words: Words = lambda command, cwd: list(command)
    environment: dict[str, str] = field(default_factory=dict)
    afar: bool = False  # whether the database is out of this process's reach
    started: int = 0

    @property
    def study(self) -> Study:
        return Study(self.seen, NAME)

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """A driver. What it says goes to `said`."""
        self.started += 1
        command = [*search(self.home, self.backend, self.trials), *self.options, *more]
        with open(self.folder / f"said-{self.started}", "wb") as said:
            return subprocess.Popen(
                self.words(command, self.folder),
                cwd=self.folder,
                env=environment(self.gate) | self.environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def said(self, number: int | None = None) -> str:
        """By the driver that was started last, or as number so-and-so."""
        return (self.folder / f"said-{number or self.started}").read_text(encoding="utf-8", errors="replace")

    def told(self) -> list[int]:
        """The trials of the results that the sampler was told."""
        if not self.afar:
            return examine.told(self.study, self.environment.get(STORAGE))
        command = self.words([sys.executable, str(HERE / "examine.py"), str(self.home), NAME], self.folder)
        given = {**os.environ, **self.environment}
        done = subprocess.run(command, cwd=self.folder, env=given, capture_output=True, text=True, check=True)
        found: list[int] = json.loads(done.stdout.splitlines()[-1])
        return found

    def at_gate(self, *drivers: subprocess.Popen[bytes]) -> dict[str, object]:
        """Waits until a process stands at the gate. Raises NotReached when a driver ends before."""
        wait_for(lambda: self.gate.reached() or any(one.poll() is not None for one in drivers), "the stage")
        found = self.gate.reached()
        if found is None:
            raise NotReached(f"the search ended before it came to the stage: {self.said()[-2000:]}")
        return found


def search(home: Path, backend: str, trials: int) -> list[str]:
    words = [sys.executable, "-m", "frontier", "search", str(SPACE), "--name", NAME, "--home", str(home)]
    words += ["--backend", backend, "--trials", str(trials), "--seed", SEED, "--sampler", "random"]
    return [*words, "--progress", "none", *(["--concurrency", "2", "--cpu", "0.5"] if backend == "ray" else [])]


def environment(gate: Gate) -> dict[str, str]:
    """Python's, so that every process of the search looks at the gate."""
    path = os.pathsep.join(filter(None, [str(HERE / "gate"), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "FRONTIER_FAULT_GATE": str(gate.folder), "OMP_NUM_THREADS": "1"}


def end(driver: subprocess.Popen[bytes]) -> None:
    """Whatever a row that went wrong left running."""
    try:
        os.killpg(driver.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    driver.wait()


def wait_for(true: Callable[[], object], what: str, seconds: float = WAIT_S) -> None:
    """Raises AssertionError when the time is over."""
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)
