"""`hosts`, `story` and `strangers` become importable; what needs namespaces is skipped where none can be made."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips, saying why, where no hosts can be made."""
    import hosts

    if reason := hosts.possible():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def database() -> Any:
    """What starts a PostgreSQL server on a host: a cluster of several has its sampler's memory in one."""
    import story

    start = story.own_database()
    if start is None:
        pytest.skip("PostgreSQL, or psycopg, is not installed")
    return start
