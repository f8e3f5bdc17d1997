"""Makes `priced`, `observed` and `bundled`, which these tests share, importable; and measured bundles."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bundled import COUNTS, bundle


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a folder of four measured bundles."""
    monkeypatch.chdir(tmp_path)
    for relus in COUNTS:
        bundle(tmp_path / "bundles" / str(relus), relus)
    return tmp_path / "bundles"
