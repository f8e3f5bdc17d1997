"""`frontier cancel`: stop a running search, or one of its trials."""

from __future__ import annotations

from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, StudyName

Trial = Annotated[int | None, typer.Option(metavar="N", help="Only this trial; it is recorded as failed.")]


def command(study: StudyName, trial: Trial = None, home: Home = DEFAULT_HOME) -> None:
    """Ask a search (or a trial) to stop; what has finished stays, and --resume goes on."""
    from frontier.api.study import open_study

    open_study(study, home).cancel(trial)
    typer.echo(f"asked {study} to stop" + ("" if trial is None else f" trial {trial}"))
