"""The JSON Schemas of what is stored and configured, generated from the values themselves."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from frontier.driver.events import Event
from frontier.errors import InputError, nearest
from frontier.frozen import Frozen
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import StudyManifest
from frontier.spaces.file import schema as space_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
STORED: dict[str, type[Frozen]] = {"record": TrialRecord, "spec": TrialSpec, "study": StudyManifest}


def schema(of: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of `record`, `spec`, `study`, `space`, or of the `event` that a line of --json is."""
    if of == "space":
        return space_schema()
    if of == "event":
        return {"$schema": DIALECT, **TypeAdapter(Event).json_schema()}
    if of not in STORED:
        raise InputError(f"no schema '{of}'. {nearest(of, [*STORED, 'space', 'event'])}")
    return {"$schema": DIALECT, **STORED[of].model_json_schema()}
