"""`frontier export`: mask, weights and manifest of one point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Data, Home, Plugin, StudyName

Trial = Annotated[str, typer.Option(metavar="N[.K]", help="A trial, or one of its extra points.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="A new or empty folder.")]


def command(
    study: StudyName, trial: Trial, out: Out, home: Home = DEFAULT_HOME, data: Data = None, plugin: Plugin = None
) -> None:
    """Write mask.safetensors, weights.safetensors and manifest.json, and check that they reload bit for bit."""
    from frontier.api.study import open_study

    typer.echo(open_study(study, home).export(trial, out, data=data))
