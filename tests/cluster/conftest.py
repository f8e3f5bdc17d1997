"""`hosts`, `story` and `strangers` become importable; what needs namespaces is skipped where none can be made."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips, saying why, where no hosts can be made."""
    import hosts

    if reason := hosts.possible():
        pytest.skip(reason)
