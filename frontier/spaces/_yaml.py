"""YAML as people mean it: scalars follow the YAML 1.2 core schema (1e-3 is a number, `no` and dates are text).

Beyond the core schema `1_000` is the number 1000. Duplicate keys, tags and merge keys are refused, and so is a
file that is too large, too deep, or that grows too much through aliases.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from frontier.errors import InputError
from frontier.spaces._document import Document, KeyPath

MAX_BYTES = 1 << 20
MAX_NODES = 20_000  # after aliases are expanded
MAX_DEPTH = 32
MAX_NUMBER = 64  # characters; what is longer is text

INT = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
NULL = re.compile(r"~|null|Null|NULL|")


def _int(text: str) -> int:
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


def _float(text: str) -> float:
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


# Tried in this order on a scalar without quotes; what fits none of them is text.
SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (NULL, lambda text: None),
    (BOOL, lambda text: text.lower() == "true"),
    (INT, _int),
    (FLOAT, lambda text: _float(text.lower())),
)


class _Loader(yaml.SafeLoader):
    """Resolves nothing by itself: every plain scalar reaches us as text, with the tag `str`."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if parent is not None and self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=parent.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Reader:
    """One pass over the composed nodes; holds the lines found and the count that bounds aliases."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[KeyPath, int] = {}
        self.nodes = 0

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise self.error(node, "too large or too deep once its aliases (*name) are expanded")
        self.lines.setdefault(path, _line(node))
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and kind == "str":
            return _scalar(node)
        raise self.error(node, f"the tag '{node.tag}' is not allowed", fix="remove it; quote the value to make it text")

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.error(key_node, "a key that is not plain text", fix="quote text that contains { or [")
            key = key_node.value
            if key in found:
                first = self.lines[*path, key]
                raise self.error(key_node, f"duplicate key '{key}', first on line {first}", fix="keep one of the two")
            self.lines[*path, key] = _line(key_node)
            found[key] = self.value(value_node, (*path, key))
        return found

    def error(self, node: yaml.Node, what: str, fix: str | None = None) -> InputError:
        return InputError(what, where=f"{self.name}:{_line(node)}", fix=fix)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _scalar(node: yaml.ScalarNode) -> Any:
    if node.style is None and len(node.value) <= MAX_NUMBER:  # style None: no quotes, not a block
        for pattern, read in SCALARS:
            if pattern.fullmatch(node.value):
                return read(node.value)
    return node.value


def read(content: bytes, name: str) -> Document:
    """The document in `content`. Raises InputError with `name:line` for whatever is not one plain YAML document."""
    if len(content) > MAX_BYTES:
        raise InputError(f"too large ({len(content)} bytes)", where=name, expected=f"at most {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
        node = yaml.compose(text, Loader=_Loader)
        reader = _Reader(name)
        return Document(name, None if node is None else reader.value(node, ()), reader.lines)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8 text", where=f"{name}:{line}", fix="save the file as UTF-8") from None
    except yaml.YAMLError as error:
        raise _syntax_error(error, name) from None


def _syntax_error(error: yaml.YAMLError, name: str) -> InputError:
    problem, where, fix = str(error), name, None
    if isinstance(error, yaml.MarkedYAMLError) and error.problem:
        problem = error.problem
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        fix = "indent with blanks, not tabs" if "'\\t'" in problem else None
    return InputError(f"not valid YAML: {problem}", where=where, fix=fix)
