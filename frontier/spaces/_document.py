"""Document: the data of a YAML file together with the line of every key, so that any complaint names its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from frontier.errors import InputError

KeyPath = tuple[str | int, ...]
ABSENT = object()  # "nothing was got": null is a value that can be got


@dataclass(frozen=True)
class Document:
    """`lines` maps the path of every key and list item, such as ("methods", "snl", "growth"), to its line (from 1)."""

    name: str
    data: object
    lines: Mapping[KeyPath, int]

    def known(self, path: KeyPath) -> KeyPath:
        """The longest part of `path` that the file really contains."""
        while path and path not in self.lines:
            path = path[:-1]
        return path

    def line(self, path: KeyPath) -> int:
        return self.lines.get(self.known(path), 1)

    def error(
        self, path: KeyPath, what: str, *, expected: str | None = None, got: object = ABSENT, fix: str | None = None
    ) -> InputError:
        """An InputError placed at `file:line` of `path`. Returned, not raised, so that several can be gathered."""
        shown = None if got is ABSENT else shown_value(got)
        return InputError(what, where=f"{self.name}:{self.line(path)}", expected=expected, got=shown, fix=fix)


def shown_value(value: object) -> str:
    """A value as its author would recognise it, cut at 80 characters."""
    names = {None: "nothing (null)", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return names[value]
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def dotted(path: KeyPath) -> str:
    """`measure.severities[0]`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def under(path: KeyPath) -> str:
    """Where a key belongs, in words: `at the top level`, `under method 'snl'`, `under 'teacher.recipe'`."""
    match path:
        case ():
            return "at the top level"
        case ("methods", method):
            return f"under method '{method}'"
        case _:
            return f"under '{dotted(path)}'"
