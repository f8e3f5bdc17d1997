"""Importing CrypTen 0.4.1, which newer versions of torch and a missing onnx would stop; site-packages are left alone.

CrypTen imports onnx and two modules of torch's exporter, of which none is used here: onnx is played by empty modules
while it is imported, and torch's module is shown where it used to be. Nothing of that is left in sys.modules.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from frontier.errors import BlockedError

VERSION = "0.4.1"
MOVED = "torch.onnx._internal.registration"  # where torch had it when CrypTen was released
PLACES = ("torch.onnx._internal.torchscript_exporter.registration", MOVED)
CURE = "make setup-pi"


def crypten() -> Any:
    """The module. Raises BlockedError, naming the command, where it is not installed, is another version, or fails."""
    if "crypten" in sys.modules:
        return sys.modules["crypten"]
    from importlib import metadata

    try:
        found = metadata.version("crypten")
    except metadata.PackageNotFoundError:
        raise BlockedError(f"CrypTen is not installed; run: {CURE}") from None
    if found != VERSION:
        raise BlockedError(f"CrypTen {found} is installed, and {VERSION} is what is measured; run: {CURE}")
    try:
        with warnings.catch_warnings(), _present(_stand_ins()):
            warnings.simplefilter("ignore")
            return importlib.import_module("crypten")
    except ImportError as error:
        raise BlockedError(f"CrypTen cannot be imported ({error}); run: {CURE}") from error


def _stand_ins() -> dict[str, ModuleType]:
    onnx, helper = ModuleType("onnx"), ModuleType("onnx.numpy_helper")
    onnx.numpy_helper = helper  # type: ignore[attr-defined]  # modules take any attribute
    found = {"onnx": onnx, "onnx.numpy_helper": helper}
    for place in PLACES:
        with contextlib.suppress(ImportError):
            found[MOVED] = importlib.import_module(place)
            break
    return found


@contextlib.contextmanager
def _present(modules: Mapping[str, ModuleType]) -> Iterator[None]:
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
