"""`frontier gc`: free the weights of trials that are not on the front."""

from __future__ import annotations

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Plugin, StudyName


def command(study: StudyName, home: Home = DEFAULT_HOME, plugin: Plugin = None) -> None:
    """Delete the weights of dominated trials; records and masks always stay."""
    from frontier.api.study import open_study

    freed, size_bytes = open_study(study, home).free_weights()
    typer.echo(f"{len(freed)} files, {size_bytes / 1e6:.1f} MB freed")
