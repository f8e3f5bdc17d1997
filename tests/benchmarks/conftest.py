"""What tests of one benchmark share."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

SAMPLERS = Path(__file__).parents[2] / "benchmarks" / "samplers"


@pytest.fixture(scope="module")
def samplers() -> Iterator[Any]:
    """The modules of the benchmark, under their plain names; another test may have left one of such a name."""
    names = [path.stem for path in SAMPLERS.glob("[a-z]*.py")]
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(SAMPLERS))
    found = SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    found.fitting.MODELS = {"gaussian process": found.fitting.MODELS["gaussian process"]}  # the others take seconds
    yield found
    sys.path.remove(str(SAMPLERS))
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(others)
