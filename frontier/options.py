"""Options by name, held to the signature of the function that will take them: a backbone's or a data set's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from frontier.errors import InputError, nearest

CHECKED = (bool, int, float, str)  # the annotations that are held to


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """With its annotations as types, where they can be evaluated. Raises TypeError or ValueError for what has none."""
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # an annotation that is there for type checkers alone
        return inspect.signature(function)


def refuse_unfit(
    options: Mapping[str, object], known: Mapping[str, inspect.Parameter], where: str, *, any_other: bool = False
) -> None:
    """Raises InputError for an option that is not `known` (unless any other is taken), and for one of another type; an
    int has to be positive."""
    for key, value in options.items():
        if key not in known:
            if any_other:
                continue
            raise InputError(f"unknown option '{key}'", where=where, expected=nearest(key, known))
        kind = known[key].annotation
        if kind in CHECKED and (type(value) is not kind or (kind is int and not positive(value))):
            raise InputError(f"option '{key}' does not fit", where=where, expected=wanted(kind), got=repr(value))


def wanted(kind: Any) -> str:
    """What an annotation asks for, in words."""
    if kind not in CHECKED:
        return "a value"
    return "a positive int" if kind is int else f"a value of type {kind.__name__}"


def positive(value: object) -> bool:
    """Whether this is an int above 0; True is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
