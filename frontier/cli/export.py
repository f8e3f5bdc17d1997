"""`frontier export`: mask, weights and manifest of one point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Data, Home, Plugin
from frontier.errors import InputError

Name = Annotated[str | None, typer.Argument(metavar="STUDY", help="Name of a study.")]
Trial = Annotated[str | None, typer.Option(metavar="N[.K]", help="A trial of it, or one of its extra points.")]
From = Annotated[Path | None, typer.Option("--from", metavar="DIR", help="What frontier trial wrote, not a study.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="A new or empty folder.")]


def command(
    out: Out,
    study: Name = None,
    trial: Trial = None,
    folder: From = None,
    home: Home = DEFAULT_HOME,
    data: Data = None,
    plugin: Plugin = None,
) -> None:
    """Write mask.safetensors, weights.safetensors and manifest.json, and check that they reload bit for bit."""
    from frontier.api.study import export_trial, open_study

    if folder is not None and study is None and trial is None:
        typer.echo(export_trial(folder, out, data=data))
    elif folder is None and study is not None and trial is not None:
        typer.echo(open_study(study, home).export(trial, out, data=data))
    else:
        raise InputError("not one network to export", expected="STUDY --trial N[.K], or --from DIR")
