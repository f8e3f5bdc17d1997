"""Old records stay readable: each step lifts a record from one schema version to the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from frontier.errors import RecordError
from frontier.results.record import VERSION, TrialRecord

Step = Callable[[dict[str, Any]], dict[str, Any]]
STEPS: Mapping[int, Step] = {}  # {1: lift_from_1_to_2, ...}


def lift(fields: dict[str, Any], *, where: str, steps: Mapping[int, Step] = STEPS, to: int = VERSION) -> dict[str, Any]:
    """`fields` in version `to`. Raises RecordError for a missing, unknown or newer version."""
    version = fields.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RecordError("a record without a schema version", where=where, expected=f"version 1..{to}", got=version)
    if version > to:
        raise RecordError(
            "a record of a newer schema",
            where=where,
            expected=f"version 1..{to}",
            got=version,
            fix="read it with the version of frontier that wrote it, or a newer one",
        )
    while version < to:
        fields = {**steps[version](fields), "version": version + 1}
        version += 1
    return fields


def read_record(text: str | bytes, *, where: str) -> TrialRecord:
    """A record from its JSON text, whatever version wrote it. Raises RecordError that names file and field."""
    try:
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise RecordError("not a record", where=where, expected="a JSON object", got=type(fields).__name__)
        return TrialRecord.model_validate_json(json.dumps(lift(fields, where=where)))
    except ValidationError as error:
        first = error.errors()[0]
        raise RecordError(
            f"not a valid record at {'.'.join(map(str, first['loc'])) or 'top level'}: {first['msg']}",
            where=where,
            fix="move the trial's folder away and resume the study: another trial takes its place",
        ) from None
    except ValueError as error:
        raise RecordError(
            f"not JSON ({error})",
            where=where,
            fix="move the trial's folder away and resume the study: another trial takes its place",
        ) from None
