"""Synthetic studies, a page of them in a process of its own, and one tab of a real browser for most of the visits."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from frontier.latency._link import NAMED
from frontier.latency.crypten import COSTS
from frontier.results.measured import Measurement
from frontier.results.store import Study, write_record
from frontier.web.desk import Desk
from frontier.web.library import Library

sys.path.insert(0, str(Path(__file__).parent))

from visit import TRIAL_MEASURED, Visit

WEIGHTS = "weights.safetensors"
ROOT = Path(__file__).parents[2]


def beside(module: str, folder: str) -> Any:
    """A module of a folder that is no package."""
    sys.path.insert(0, str(ROOT / folder))
    try:
        return importlib.import_module(module)
    finally:
        sys.path.pop(0)


synthetic = beside("synthetic", "benchmarks/browse")
observed = beside("observed", "tests/latency")


@pytest.fixture(scope="session", name="synthetic")
def _synthetic() -> Any:
    """The module that makes records."""
    return synthetic


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Studies `one` (40 trials, a search that is done) and `two` (25, another seed of the same space, one of them
    measured), with masks. No test changes them."""
    folder = tmp_path_factory.mktemp("home")
    one = synthetic.write_study(folder, "one", 40, masked=True)
    two = synthetic.write_study(folder, "two", 25, masked=True, seed=1)
    measure_one(two, TRIAL_MEASURED)
    one.append_event({"event": "started", "ts": "2026-01-01T00:00:00+00:00"})
    for trial in range(40):
        one.append_event({"event": "finished", "ts": f"2026-01-01T01:{trial:02}:00+00:00", "trial": trial})
    one.append_event({"event": "done", "ts": "2026-01-01T02:00:00+00:00"})
    return folder


def measure_one(study: Study, trial: int) -> None:
    """As `frontier measure` does: half as long again as the model says, over the named LAN; its weights are kept."""
    record = study.record(trial)
    profile = record.points[0].profile
    found = Measurement(point=0, measured=observed.measured(profile, COSTS, NAMED["lan"], off=1.5))
    (study.trial_folder(trial) / WEIGHTS).write_bytes(b"weights")
    point = record.points[0].model_copy(update={"weights": WEIGHTS})
    more = {"measurements": (found,), "points": (point, *record.points[1:])}
    write_record(study.trial_folder(trial), record.model_copy(update=more))


@pytest.fixture(scope="session")
def desk(home: Path) -> Desk:
    library = Library(home, ("one", "two"))
    library.refresh()
    return Desk(library)


@contextmanager
def served(home: Path, *words: str) -> Iterator[str]:
    """The address that `frontier browse` prints, while it answers there."""
    command = [sys.executable, "-u", "-m", "frontier", "browse", "--home", str(home), "--port", "0", *words]
    environment = {**os.environ, "HOST": "192.0.2.1", "DASH_DEBUG": "true"}  # of others: they must mean nothing here
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.stderr and process.stderr.read()
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="session", name="serve")
def _serve() -> Callable[..., Any]:
    return served


@pytest.fixture(scope="session")
def url(home: Path) -> Iterator[str]:
    """A page of both studies."""
    with served(home) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window. Skips, saying so, where there is none."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium (Debian, Ubuntu: apt-get install chromium)")
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture(scope="session", name="tab")
def _tab(browser: Any, url: str) -> Iterator[Visit]:
    """A page that is loaded once: every visit goes on to its own address, as the buttons of a browser do."""
    found = Visit(browser.new_context(viewport={"width": 1400, "height": 1000}).new_page(), url)
    yield found
    found.page.context.close()


@pytest.fixture
def visit(tab: Visit) -> Iterator[Visit]:
    """The shared tab; nothing may go wrong on it."""
    tab.problems.clear()
    yield tab
    assert tab.problems == []
