"""Every axis of frontier is a package, and every module in it is a member: the file name is the public name.

Adding a method, backbone, data set, corruption, attack, sampler, backend, figure or command is one file.
Names that begin with an underscore are the axis's own parts, not members.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from frontier.errors import InputError, nearest

AXES = {
    "method": "frontier.methods",
    "backbone": "frontier.nn.backbones",
    "data": "frontier.data",
    "corruption": "frontier.corruptions",
    "attack": "frontier.attacks",
    "sampler": "frontier.driver.samplers",
    "backend": "frontier.driver.backends",
    "figure": "frontier.reports.figures",
    "verb": "frontier.cli",
}


def _package(axis: str) -> str:
    if axis not in AXES:
        raise InputError(f"unknown axis '{axis}'. {nearest(axis, AXES)}")
    return AXES[axis]


def names(axis: str) -> list[str]:
    """The public names on an axis, sorted. Imports the (light) package, none of its members."""
    package = importlib.import_module(_package(axis))
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] != "_")


def load(axis: str, name: str) -> ModuleType:
    """The module behind a name. Raises InputError with the nearest known name when there is none."""
    known = names(axis)
    if name not in known:
        raise InputError(f"unknown {axis} '{name}'. {nearest(name, known)}")
    return importlib.import_module(f"{_package(axis)}.{name}")
