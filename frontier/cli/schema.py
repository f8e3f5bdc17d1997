"""`frontier schema`: the JSON Schema of a record, a spec, a study's manifest, a space file or an event."""

from __future__ import annotations

from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, print_json

Of = Annotated[str, typer.Argument(metavar="record|spec|study|space|event")]


def command(of: Of, home: Home = DEFAULT_HOME) -> None:
    """Print a JSON Schema (draft 2020-12), for editors and other programs."""
    from frontier.api.schema import schema

    print_json(schema(of))
