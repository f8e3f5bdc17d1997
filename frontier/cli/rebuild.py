"""`frontier rebuild`: make the sampler's memory of a study anew from its records."""

from __future__ import annotations

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Json, Plugin, StudyName, print_json
from frontier.cli._storage import Storage


def command(
    study: StudyName, home: Home = DEFAULT_HOME, storage: Storage = None, json: Json = False, plugin: Plugin = None
) -> None:
    """Make a study's sampler's memory (SQLite, or PostgreSQL with --storage) anew from its records."""
    from frontier.api.rebuild import rebuild

    found = rebuild(study, home=home, storage=storage)
    if json:
        print_json(found.as_dict())
        return
    states = ", ".join(f"{number} {state}" for state, number in found.counts.items() if number) or "none"
    typer.echo(f"{found.study}: trials found: {states}")
    typer.echo(f"{found.memory}: holds {found.trials} trials and {found.extras} extra points")
    if found.before is not None:
        trials, extras = found.before
        typer.echo(f"the old one, {found.became}, held {trials} and {extras}")
    for trial in found.unreadable:
        typer.echo(f"trial {trial}: its record cannot be read, and nothing is told of it")
