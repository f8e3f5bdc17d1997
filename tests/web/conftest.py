"""Synthetic studies, and a page of them in a process of its own that a real browser visits."""

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

from frontier.web.desk import Desk
from frontier.web.library import Library

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "browse"))
try:
    synthetic = importlib.import_module("synthetic")
finally:
    sys.path.pop(0)


@pytest.fixture(scope="session", name="synthetic")
def _synthetic() -> Any:
    """The module that makes records."""
    return synthetic


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Studies `one` (40 trials) and `two` (25), with their masks, which no test changes."""
    folder = tmp_path_factory.mktemp("home")
    for name, trials in (("one", 40), ("two", 25)):
        synthetic.write_study(folder, name, trials, masked=True)
    return folder


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
