"""The options that several verbs share, so that they mean and read the same everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from frontier.shelves import DEFAULT_HOME as DEFAULT_HOME

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study (frontier list prints them).")]
Home = Annotated[
    Path,
    typer.Option(metavar="DIR", envvar="FRONTIER_HOME", help="Folder of studies and teachers; every verb takes it."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of text.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", envvar="FRONTIER_DATA", help="Folder with the original files of the data sets."),
]
Download = Annotated[bool, typer.Option("--download", help="Let torchvision download what is missing.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(value, indent=1, allow_nan=False))
