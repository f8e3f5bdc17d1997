"""The one base of every value that is stored or configured: immutable, and unknown keys are refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer


class Frozen(BaseModel):
    """A pydantic value: frozen, `extra="forbid"`, NaN and infinity refused in every float."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")


class Grown(Frozen):
    """A value that has grown: a field of NEWER is no key of its JSON while it holds its default, so that values from
    before there was such a field keep their JSON and their hashes."""

    NEWER: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_unused(self, fields_of: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = fields_of(self)
        known = type(self).model_fields
        unused = {key for key in self.NEWER if getattr(self, key) == known[key].default}
        return {key: value for key, value in fields.items() if key not in unused}


def first_problem(error: ValidationError) -> str:
    """What is wrong with a value in one line, of its first problem: `constants.linear_s.value: Field required`."""
    first = error.errors()[0]
    at, what = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
    return f"{at}: {what}" if at else what


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks: equal values give equal text, so it can be hashed."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any, length: int = 16) -> str:
    """First `length` hex digits of the SHA-256 of `canonical_json(value)`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]
