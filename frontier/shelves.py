"""A shelf is a folder of data files used by name; a file in the working directory wins over the shipped one."""

from __future__ import annotations

from pathlib import Path

from frontier.errors import InputError, nearest

PACKAGE = Path(__file__).resolve().parent
DEFAULT_HOME = Path("results")  # where studies and teachers go unless --home says otherwise
PAGE_PORT = 8050  # of `frontier browse`, unless another one is given
TRAJECTORIES_GB = 5.0  # of the home, for the mask searches that trials share


def _folders(shelf: str) -> tuple[Path, ...]:
    """Where a shelf may lie, first wins: the working directory, the data in a wheel, the checkout."""
    return (Path.cwd() / shelf, PACKAGE / "_shelves" / shelf, PACKAGE.parent / shelf)


def available(shelf: str, suffix: str = ".yaml") -> list[str]:
    """The names on a shelf, sorted; hidden files are left out."""
    files = (file for folder in _folders(shelf) if folder.is_dir() for file in folder.iterdir())
    return sorted({file.name.removesuffix(suffix) for file in files if _is_member(file, suffix)})


def find(shelf: str, name: str, suffix: str = ".yaml") -> Path:
    """The file behind a name (`digits`) or a path (`my/digits.yaml`, `./digits`).

    Raises InputError for a folder, and with the nearest name on the shelf where there is no such file.
    """
    is_path = Path(name).name != name or name.endswith(suffix)
    candidates = [Path(name)] if is_path else [folder / f"{name}{suffix}" for folder in _folders(shelf)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
        if candidate.is_dir():
            raise InputError("a folder, not a file", where=str(candidate), expected=f"a name or a {suffix} file")
    stem = Path(name).name.removesuffix(suffix)
    raise InputError(
        f"no file '{name}'" if is_path else f"no '{name}' on the shelf '{shelf}'",
        expected=nearest(stem, available(shelf, suffix)),
        fix=f"give one of these names, or the path of a {suffix} file",
    )


def _is_member(file: Path, suffix: str) -> bool:
    return file.name.endswith(suffix) and not file.name.startswith(".") and file.is_file()
