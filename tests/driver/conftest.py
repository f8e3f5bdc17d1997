"""Makes `search_fakes` importable by name, here and in the processes that tests start; and a PostgreSQL server."""

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
sys.path.insert(0, HERE)
os.environ["PYTHONPATH"] = os.pathsep.join([HERE, *filter(None, [os.environ.get("PYTHONPATH")])])

from postgres_server import Server, programs  # noqa: E402 - found by the line above


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server that runs when a test begins; a test that stops it starts it again."""
    folder = programs()
    if folder is None or find_spec("psycopg") is None:
        missing = "PostgreSQL" if folder is None else "psycopg"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{missing} is not installed")
    server = Server(folder)
    server.start()
    yield server
    server.remove()
