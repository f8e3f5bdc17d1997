"""`frontier list`: the studies under a home."""

from __future__ import annotations

from frontier.cli._options import DEFAULT_HOME, Home, Json, print_json


def command(home: Home = DEFAULT_HOME, json: Json = False) -> None:
    """Print all studies with their trials by state."""
    from frontier.api.study import list_studies, overview

    rows = [overview(view) for view in list_studies(home)]
    if json:
        print_json(rows)
        return
    from frontier.cli._tables import print_studies

    print_studies(rows, home)
