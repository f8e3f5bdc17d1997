"""Guesses as a person writes them: a YAML list of assignments, each as whole or as partial as its author likes.

    - {method: snl, relu_budget: 5%, snl.penalty: 0.01, finetune.lr: 0.005}
    - {relu_budget: 100}
    - other_study:7.1

What an entry leaves out, the sampler draws. A text is the address of a point of another study.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from frontier.errors import InputError, nearest
from frontier.results.spec import Scalar
from frontier.spaces import _yaml
from frontier.spaces._complaints import complaint
from frontier.spaces._document import Document, KeyPath
from frontier.spaces.budget import resolve_count
from frontier.spaces.domain import Domain, read_scalar
from frontier.spaces.space import Space

METHOD, BUDGET = "method", "relu_budget"


@dataclass(frozen=True)
class Written:
    """One entry, and its place (`guesses.yaml:3`): values by the space's parameters, or the address of a point."""

    where: str
    values: dict[str, Scalar] | str


def read_guesses(path: Path, space: Space) -> tuple[Written, ...]:
    """The entries of a file, every value in its domain. Raises InputError with file and line for all that is wrong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the guesses ({error.strerror})", where=str(path)) from None
    document = _yaml.read(content, str(path))
    if not isinstance(document.data, list) or not document.data:
        raise document.error((), "not a list of guesses", expected="- {method: ..., relu_budget: ...}, a line each")
    found: list[Written] = []
    wrong: list[InputError] = []
    for i, entry in enumerate(document.data):
        try:
            values = entry if isinstance(entry, str) else _assignment(entry, space, document, (i,))
            found.append(Written(f"{path}:{document.line((i,))}", values))
        except InputError as error:
            wrong.append(error)
    if wrong:
        raise complaint(wrong)
    return tuple(found)


def _assignment(entry: object, space: Space, document: Document, path: KeyPath) -> dict[str, Scalar]:
    if not isinstance(entry, dict) or not entry:
        raise document.error(path, "not a guess", expected="{parameter: value, ...}, or STUDY:N", got=entry)
    domains = _domains(entry, space, document, path)
    wrong: list[InputError] = []
    values: dict[str, Scalar] = {METHOD: entry[METHOD]} if METHOD in entry else {}
    for key, raw in entry.items():
        if key == METHOD:
            continue
        try:
            values |= dict(_value(key, raw, domains, space, document, (*path, key)))
        except InputError as error:
            wrong.append(error)
    if wrong:
        raise complaint(wrong)
    return values


def _domains(entry: dict[str, object], space: Space, document: Document, path: KeyPath) -> dict[str, Domain]:
    """What may vary under the guess's method; without one, what may vary under every method."""
    if METHOD in entry:
        if entry[METHOD] not in list(space.methods):  # it may be a list itself, which no dictionary looks up
            what = f"unknown method '{entry[METHOD]}'. {nearest(str(entry[METHOD]), space.methods)}"
            raise document.error((*path, METHOD), what)
        return space.parameters(str(entry[METHOD]))
    by_method = [space.parameters(method) for method in space.method_names]
    return {name: domain for name, domain in by_method[0].items() if all(name in other for other in by_method)}


def _value(
    key: str, raw: object, domains: dict[str, Domain], space: Space, document: Document, path: KeyPath
) -> Iterator[tuple[str, Scalar]]:
    """The parameter with its value; nothing for a budget that the space fixes at this very value."""
    fixed = isinstance(space.relu_budget, int)
    if key not in domains and not (key == BUDGET and fixed):
        other = next((name for name in space.method_names if key in space.parameters(name)), None)
        fix = f"say 'method: {other}' beside it" if other is not None else None
        known = nearest(key, [METHOD, *domains])
        raise document.error(path, f"'{key}' is not searched in the space '{space.name}'. {known}", fix=fix)
    value = resolve_count(raw, space.relus, document, path) if key == BUDGET else read_scalar(raw, document, path)
    if key not in domains:
        if value != space.relu_budget:
            expected = f"{space.relu_budget} ReLUs, the one of the space"
            raise document.error(path, "another ReLU budget", expected=expected, got=raw)
        return
    if not domains[key].contains(value):
        got = f"{raw} = {value} ReLUs" if isinstance(raw, str) and key == BUDGET else raw
        raise document.error(path, f"a value outside the domain of '{key}'", expected=str(domains[key]), got=got)
    yield key, value
