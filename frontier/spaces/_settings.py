"""Settings checked against the frozen model that will receive them: a method's knobs, a recipe's fields."""

from __future__ import annotations

from pydantic import ValidationError

from frontier.errors import InputError
from frontier.frozen import Frozen
from frontier.results.spec import Scalar
from frontier.spaces._complaints import complaint, lost_booleans, refused, unknown_key
from frontier.spaces._document import Document, KeyPath, dotted
from frontier.spaces.domain import AnyDomain, ChoiceDomain, Domain, IntDomain, parse
from frontier.spaces.space import Value


def resolve_settings(
    model: type[Frozen], raw: dict[str, object], document: Document, path: KeyPath
) -> dict[str, Value]:
    """Every field of `model` in its order, as a constant (the model's default where `raw` has none) or a Domain.

    A field whose value is None is left out. Raises InputError for an unknown key and for whatever `model` refuses,
    the bounds and options of domains included.
    """
    unknown = [
        unknown_key(key, model.model_fields, document, (*path, key)) for key in raw if key not in model.model_fields
    ]
    if unknown:
        raise complaint(unknown)
    drawn: dict[str, AnyDomain] = {
        key: parse(value, document, (*path, key)) for key, value in raw.items() if isinstance(value, dict)
    }
    first: dict[str, object] = {**raw, **{key: domain.probes[0] for key, domain in drawn.items()}}
    base = _accepted(model, first, document, path)
    fields: dict[str, Value] = {}
    for key in model.model_fields:
        if key in drawn:
            probes = drawn[key].probes
            models = [_accepted(model, {**first, key: probe}, document, path) for probe in probes]
            fields[key] = _fitted(drawn[key], [getattr(one, key) for one in models], document, (*path, key))
        elif getattr(base, key) is not None:
            fields[key] = getattr(base, key)
        elif model.model_fields[key].default is not None:
            raise document.error((*path, key), f"no value for '{key}'", got=None, fix="leave the key out")
    return fields


def _accepted(model: type[Frozen], fields: dict[str, object], document: Document, path: KeyPath) -> Frozen:
    try:
        value = model.model_validate(fields)
    except ValidationError as error:
        raise refused(error, model, document, path) from None
    lost = list(lost_booleans(fields, value, document, path))
    if lost:
        raise complaint(lost)
    return value


def _fitted(domain: AnyDomain, accepted: list[Scalar], document: Document, path: KeyPath) -> AnyDomain:
    """`domain` in the type of its field, which is the type of what the model made of the probes."""
    if isinstance(domain, ChoiceDomain):
        try:
            return ChoiceDomain.of(accepted)
        except ValidationError:
            raise _unfit(domain, "options that differ in the type of the field", document, path) from None
    kinds = {type(value) for value in accepted}
    if kinds <= {int} and not isinstance(domain, IntDomain):
        raise _unfit(domain, "whole numbers: {int: [lo, hi]} or {choice: [a, b]}", document, path)
    if not kinds <= {int, float}:
        raise _unfit(domain, "{choice: [a, b]}", document, path)
    return domain


def _unfit(domain: Domain, expected: str, document: Document, path: KeyPath) -> InputError:
    return document.error(path, f"a domain of the wrong type for '{dotted(path)}'", expected=expected, got=f"{domain}")
