"""`frontier check`: what a search would run and cost."""

from __future__ import annotations

from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Data, Home, Json, Plugin, print_json

SpaceName = Annotated[str, typer.Argument(metavar="SPACE", help="A name on the shelf search_spaces, or a YAML file.")]


def command(
    space: SpaceName, home: Home = DEFAULT_HOME, data: Data = None, json: Json = False, plugin: Plugin = None
) -> None:
    """Check a space and print what would run and what it would cost, before anything runs."""
    from frontier.api.check import check

    found = check(space, home=home, data=data)
    if json:
        print_json(found)
        return
    from frontier.cli._tables import print_check

    print_check(found)
