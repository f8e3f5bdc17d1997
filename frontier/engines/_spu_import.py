"""Importing the library of SPU 0.9.5 and nothing else of its package, which asks for jax and for an older numpy."""

from __future__ import annotations

import importlib
import sys
from importlib import metadata
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from frontier.errors import BlockedError

VERSION = "0.9.5"
CURE = "make setup-pi-spu\n  and measure from there: .venv-spu/bin/frontier measure BUNDLE --engine spu_cheetah"


def check() -> None:
    """Raises BlockedError, naming the commands, where SPU is not installed or is another version. Loads nothing."""
    try:
        found = metadata.version("spu")
    except metadata.PackageNotFoundError:
        raise BlockedError(f"SPU is not installed here; run: {CURE}") from None
    if found != VERSION:
        raise BlockedError(f"SPU {found} is installed, and {VERSION} is what is measured; run: {CURE}")


def library() -> Any:
    """The module spu.libspu: its package is played by an empty one meanwhile. Raises BlockedError where it fails."""
    check()
    spec, package = find_spec("spu"), ModuleType("spu")
    assert spec is not None
    package.__path__ = list(spec.submodule_search_locations or ())
    before = sys.modules.get("spu")
    sys.modules["spu"] = package
    try:
        return importlib.import_module("spu.libspu")
    except ImportError as error:
        raise BlockedError(f"SPU cannot be imported ({error}); run: {CURE}") from error
    finally:
        if before is None:
            del sys.modules["spu"]
        else:
            sys.modules["spu"] = before
