"""Every axis of frontier is a package, and every module in it is a member: the file name is the public name.

Adding a method, backbone, data set, corruption, attack, protocol, pruner, sampler, backend, figure or command is one
file. Names that begin with an underscore are the axis's own parts, not members. Plug-ins are members from elsewhere:

* entry points of the group `frontier.AXIS`: the entry point's name is the public name, its value a module;
* files in `FOLDER/AXIS/`, for every FOLDER that the environment variable FRONTIER_PLUGINS lists. `plug_in` adds to
  that variable, so that the processes which this one starts know the folder too.

Nothing built in is ever shadowed: a name that is given twice is refused.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from frontier.errors import FrontierError, InputError, nearest

FOLDERS = "FRONTIER_PLUGINS"  # folders, separated as in PATH
GROUP = "frontier."  # entry points of axis X are in the group `frontier.X`
HASH_DIGITS = 16


class Axis(NamedTuple):
    """Where the built-in members are, and what every member provides."""

    package: str
    provides: tuple[str, ...]


AXES = {
    "method": Axis("frontier.methods", ("Knobs", "linearize", "passes", "FIDELITY", "PAPER", "DEVIATIONS")),
    "backbone": Axis("frontier.nn.backbones", ("build", "OUTER")),
    "data": Axis("frontier.data", ("IMAGE or shape", "CLASSES or shape", "load")),
    "corruption": Axis("frontier.corruptions", ("PARAMETERS", "corrupt")),
    "attack": Axis("frontier.attacks", ("run", "passes")),
    "protocol": Axis("frontier.latency", ("CONSTANTS", "ONLINE", "OFFLINE", "ROUNDS", "price")),
    "engine": Axis("frontier.engines", ("DISTRIBUTIONS", "SIMULATED", "check", "evaluator")),
    "pruner": Axis("frontier.pruners", ("REDUCTION", "GRACE", "stops")),
    "sampler": Axis("frontier.driver.samplers", ("build",)),
    "backend": Axis("frontier.driver.backends", ("check", "run")),
    "figure": Axis("frontier.reports.figures", ("ORDER", "TITLE", "MISLEADS", "data", "draw", "alt", "caption")),
    "verb": Axis("frontier.cli", ("command",)),
}


@dataclass(frozen=True)
class PlugIn:
    """A member that is not built in. `place` is for people: its file, or its entry point and distribution."""

    axis: str
    name: str
    module: str
    place: str
    folder: Path | None = None  # None: an entry point


def names(axis: str) -> list[str]:
    """The public names on an axis, sorted. Imports the (light) package, none of its members.

    Raises InputError where two members have one name, or a plug-in folder is not one.
    """
    return sorted([*_built_in(axis), *_plug_ins(axis)])


def load(axis: str, name: str) -> ModuleType:
    """The module behind a name.

    Raises InputError with the nearest known name when there is none, and for a plug-in that cannot be imported or
    lacks what its axis asks for.
    """
    plugged = _plug_ins(axis)
    if name in plugged:
        return _plugged_in(plugged[name])
    built_in = _built_in(axis)
    if name not in built_in:
        raise InputError(
            f"unknown {axis} '{name}'. {nearest(name, [*built_in, *plugged])}",
            fix=f"if it is a part of your own, pass --plugin FOLDER or set {FOLDERS}",
        )
    return importlib.import_module(f"{AXES[axis].package}.{name}")


def plug_in(folder: Path | str) -> None:
    """Make the members and modules in `folder` known to this process and to those that it starts.

    Its sub-folders that bear an axis's name (`method/`, `backbone/`, ...) hold members, one a file; the folder itself
    is put last on sys.path, so that `pkg.module:factory` finds what lies in it. Calling it again looks for new files.
    Raises InputError where nothing is found, or a name that is taken.
    """
    path = Path(folder).expanduser().absolute()
    if os.pathsep in str(path):
        raise InputError(f"a folder of plug-ins cannot have '{os.pathsep}' in its path", got=str(path))
    known = tuple(dict.fromkeys([*folders(), path]))
    _found.cache_clear()
    _found(known)
    os.environ[FOLDERS] = os.pathsep.join(map(str, known))


def folders() -> tuple[Path, ...]:
    """The plug-in folders of this process, absolute, each once, in the order given."""
    given = [part for part in os.environ.get(FOLDERS, "").split(os.pathsep) if part]
    return tuple(dict.fromkeys(Path(part).expanduser().absolute() for part in given))


def outside(module: str) -> ModuleType:
    """A module by its import path, from anywhere on sys.path, the plug-in folders included. Raises InputError."""
    for folder in folders():
        _on_path(folder)
    return _imported(module, f"module '{module}'")


@functools.cache
def fingerprint(module: ModuleType) -> str:
    """The first 16 hex digits of SHA-256 of a module's file, read once: as it was when `load` imported it."""
    return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()[:HASH_DIGITS]


def versions(*distributions: str) -> dict[str, str]:
    """The versions of those distributions that are installed, by name."""
    from importlib import metadata  # costs more than all the rest of this module

    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _axis(axis: str) -> Axis:
    if axis not in AXES:
        raise InputError(f"unknown axis '{axis}'. {nearest(axis, AXES)}")
    return AXES[axis]


def _built_in(axis: str) -> list[str]:
    package = importlib.import_module(_axis(axis).package)
    return [module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] != "_"]


def _plug_ins(axis: str) -> dict[str, PlugIn]:
    _axis(axis)
    return {name: found for (kind, name), found in _found(folders()).items() if kind == axis}


@functools.cache
def _found(known: tuple[Path, ...]) -> dict[tuple[str, str], PlugIn]:
    """All plug-ins by axis and name. A name that is given twice is refused, whatever the axis."""
    found: dict[tuple[str, str], PlugIn] = {}
    for one in [*_entry_points(), *(one for folder in known for one in _members(folder))]:
        first = found.get((one.axis, one.name))
        if first is None and one.name in _built_in(one.axis):
            taken = f"{AXES[one.axis].package}.{one.name}, which is built in"
        elif first is not None:
            taken = first.place
        else:
            found[one.axis, one.name] = one
            continue
        raise InputError(
            f"the {one.axis} '{one.name}' is there twice",
            where=one.place,
            expected="a name of its own",
            got=f"the name of {taken}",
            fix="rename the plug-in, or leave one of them out",
        )
    return found


@functools.cache
def _entry_points() -> tuple[PlugIn, ...]:
    from importlib import metadata  # costs more than all the rest of this module

    points = metadata.entry_points()
    for group in sorted(points.groups):
        axis = group.removeprefix(GROUP)
        if group.startswith(GROUP) and _slip(axis):
            owners = ", ".join(sorted({_owner(point) for point in points.select(group=group)}))
            raise InputError(f"no axis '{axis}'. {nearest(axis, AXES)}", where=f"entry points '{group}' of {owners}")
    return tuple(
        PlugIn(axis, point.name, point.value, f"entry point '{point.name} = {point.value}' of {_owner(point)}")
        for axis in AXES
        for point in points.select(group=GROUP + axis)
    )


def _owner(point: object) -> str:
    return str(getattr(getattr(point, "dist", None), "name", "an unknown distribution"))


def _members(folder: Path) -> Iterator[PlugIn]:
    _on_path(folder)
    for axis in AXES:
        for module in pkgutil.iter_modules([str(folder / axis)]):
            if module.name[0] != "_":
                place = folder / axis / (module.name if module.ispkg else f"{module.name}.py")
                yield PlugIn(axis, module.name, f"{_package(folder)}.{axis}.{module.name}", str(place), folder)


def _package(folder: Path) -> str:
    """The package that a folder's members are imported in: the same in every process, another for another folder."""
    return f"_frontier_plugins_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def _on_path(folder: Path) -> None:
    """Look at a folder once: refuse one that holds nothing, and put it on sys.path."""
    if str(folder) in sys.path and _package(folder) in sys.modules:
        return
    if not folder.is_dir():
        raise InputError(
            "no such folder of plug-ins", where=str(folder), fix=f"give another one with --plugin or {FOLDERS}"
        )
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and any(path.glob("*.py")))
    for path in inside:
        if _slip(path.name) and not (path / "__init__.py").exists():
            raise InputError(f"no axis '{path.name}'. {nearest(path.name, AXES)}", where=str(path))
    if not inside and not any(pkgutil.iter_modules([str(folder)])):
        raise InputError(
            "a folder without plug-ins",
            where=str(folder),
            expected=f"a sub-folder with the name of an axis ({', '.join(AXES)}) that holds a member, or a module",
        )
    for name, path in ((_package(folder), folder), *((f"{_package(folder)}.{axis}", folder / axis) for axis in AXES)):
        package = ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    sys.path.append(str(folder))  # last: a plug-in must not shadow what others import


def _slip(word: str) -> bool:
    """Whether this is no axis, but looks as if one was meant."""
    return word not in AXES and "Did you mean" in nearest(word, AXES)


def _plugged_in(plug_in: PlugIn) -> ModuleType:
    if ":" in plug_in.module:
        raise InputError("an entry point that is no module", where=plug_in.place, expected="name = package.module")
    module = _imported(plug_in.module, plug_in.place)
    wanted = AXES[plug_in.axis].provides
    missing = [either for either in wanted if not any(hasattr(module, name) for name in either.split(" or "))]
    if missing:
        raise InputError(
            f"the {plug_in.axis} '{plug_in.name}' lacks {', '.join(missing)}",
            where=plug_in.place,
            expected=f"a module with {', '.join(wanted)}",
            fix="docs/plugins.md says what each of them is",
        )
    return module


def _imported(name: str, where: str) -> ModuleType:
    try:
        module = importlib.import_module(name)
        fingerprint(module)
    except FrontierError:
        raise
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            cure = "put its folder on PYTHONPATH or pass --plugin FOLDER"
            raise InputError(f"no module '{error.name}'", where=where, fix=cure) from None
        raise _broken(error, where) from None
    except Exception as error:  # noqa: BLE001 a plug-in may fail in any way; its author is told where
        raise _broken(error, where) from None
    return module


def _broken(error: Exception, where: str) -> InputError:
    last = traceback.extract_tb(error.__traceback__)[-1]
    at = "" if isinstance(error, SyntaxError) else f" ({last.filename}:{last.lineno})"
    return InputError(f"cannot be imported: {type(error).__name__}: {error}{at}", where=where)
