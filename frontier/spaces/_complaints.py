"""What pydantic says about a value, said again with file, line, key, nearest key and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from frontier.errors import InputError, nearest
from frontier.spaces._document import Document, KeyPath, dotted, under
from frontier.spaces.domain import KINDS

MOST = 5
FAMILIAR = {  # what users of other search tools write
    "n_trials": "trials",
    "num_samples": "trials",
    "max_concurrent": "concurrency",
    "max_concurrent_trials": "concurrency",
    "resources_per_trial": "resources",
    "dataset": "data",
    "learning_rate": "lr",
    "batch_size": "batch",
}


def complaint(errors: Iterable[InputError]) -> InputError:
    """One error that says them all, up to MOST."""
    gathered = list(errors)
    if len(gathered) == 1:
        return gathered[0]
    more = [f"... and {len(gathered) - MOST} more"] if len(gathered) > MOST else []
    return InputError("\n".join([*map(str, gathered[:MOST]), *more]))


def refused(error: ValidationError, model: type[BaseModel], document: Document, path: KeyPath) -> InputError:
    """The complaint about the mapping at `path` that `model` did not accept, in the order of the file's lines."""
    by_place: dict[KeyPath, list[ErrorDetails]] = {}
    for item in error.errors(include_url=False):
        place = (*path, *item["loc"])
        if item["type"] != "missing":
            place = document.known(place)  # pydantic adds the members of a union to `loc`
        by_place.setdefault(place, []).append(item)
    places = sorted(by_place, key=document.line)
    return complaint(_one(by_place[place], model, document, path, place) for place in places)


def _one(
    items: Sequence[ErrorDetails], model: type[BaseModel], document: Document, path: KeyPath, place: KeyPath
) -> InputError:
    item, key, parent = items[0], place[-1] if place else "", place[:-1]
    if item["type"] == "missing":
        known = _model_at(model, place[len(path) : -1]).model_fields[str(key)]
        return document.error(parent, f"missing key '{key}' {under(parent)}", expected=_shape(known))
    if item["type"] == "extra_forbidden":
        return unknown_key(str(key), _model_at(model, parent[len(path) :]).model_fields, document, place)
    wanted = " or ".join(dict.fromkeys(map(_wanted, items)))
    got, fix = item["input"], None
    if isinstance(got, dict) and len(got) == 1 and got.keys() <= KINDS.keys():
        fix = "write a constant: only relu_budget, methods and finetune may vary"
    return document.error(place, f"wrong value for '{dotted(place)}'", expected=wanted, got=got, fix=fix)


def unknown_key(key: str, known: Iterable[str], document: Document, place: KeyPath) -> InputError:
    """The complaint about a key that nothing knows."""
    names = list(known)
    fix = f"write '{FAMILIAR[key]}'" if FAMILIAR.get(key) in names else None
    return document.error(place, f"unknown key '{key}' {under(place[:-1])}. {nearest(key, names)}", fix=fix)


def lost_booleans(raw: object, value: object, document: Document, path: KeyPath) -> Iterator[InputError]:
    """Complaints about `true` and `false` where a number is wanted: pydantic would read them as 1 and 0."""
    if isinstance(raw, bool) and not isinstance(value, bool):
        yield document.error(path, f"wrong value for '{dotted(path)}'", expected="a number", got=raw)
    elif isinstance(raw, dict):
        for key, item in raw.items():
            inner = value.get(key, item) if isinstance(value, Mapping) else getattr(value, str(key), item)
            yield from lost_booleans(item, inner, document, (*path, key))
    elif isinstance(raw, list) and isinstance(value, Sequence):
        for i, (item, inner) in enumerate(zip(raw, value, strict=False)):
            yield from lost_booleans(item, inner, document, (*path, i))


def _model_at(model: type[BaseModel], path: Sequence[Any]) -> type[BaseModel]:
    for key in path:
        inner = model.model_fields[key].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return model


def _shape(field: FieldInfo) -> str:
    """What belongs at a missing key, in words."""
    inner = field.annotation
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return f"a mapping with {', '.join(key for key, part in inner.model_fields.items() if part.is_required())}"
    words = {int: "a whole number", float: "a number", str: "text"}
    return field.description or next((word for kind, word in words.items() if inner is kind), "a list")


def _wanted(item: ErrorDetails) -> str:
    kinds = {"model_type": "a mapping", "dict_type": "a mapping", "tuple_type": "a list", "string_type": "text"}
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return kinds.get(item["type"], message)
