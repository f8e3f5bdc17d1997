"""The code that corrupted images depend on, as fingerprints: a corruption's own file and the parts it imports."""

from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType

from frontier import registry
from frontier.corruptions import _apply

PARTS = "frontier.corruptions"
LIBRARIES = ("numpy", "scipy", "pillow")


def code_of(corruption: str) -> Mapping[str, str]:
    """File name without suffix -> start of the file's SHA-256, for all that decides about a corruption's pixels."""
    return _code(registry.load("corruption", corruption))


def libraries() -> dict[str, str]:
    """Versions of what corruptions compute with, where it is installed."""
    return registry.versions(*LIBRARIES)


@functools.cache
def _code(module: ModuleType) -> Mapping[str, str]:
    found: dict[str, str] = {}
    waiting = [module, _apply]
    while waiting:
        part = waiting.pop()
        name = part.__name__.rpartition(".")[2]
        if name not in found:
            found[name] = registry.fingerprint(part)
            waiting += map(importlib.import_module, _imported(part))
    return MappingProxyType(dict(sorted(found.items())))


def _imported(module: ModuleType) -> Iterator[str]:
    """The shared parts of this package that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith(f"{PARTS}."))
        elif isinstance(node, ast.ImportFrom) and node.module == PARTS:
            yield from (f"{PARTS}.{name.name}" for name in node.names)
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(f"{PARTS}."):
            yield str(node.module)
