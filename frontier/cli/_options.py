"""The options that several verbs share, so that they mean and read the same everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from frontier import registry
from frontier.shelves import DEFAULT_HOME as DEFAULT_FOLDER

DEFAULT_HOME = str(DEFAULT_FOLDER)

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study (frontier list prints them).")]
Home = Annotated[
    str,
    typer.Option(
        metavar="DIR|URL",
        envvar="FRONTIER_HOME",
        help="Folder of studies and teachers, or s3://BUCKET/FOLDER; every verb takes it.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of text.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", envvar="FRONTIER_DATA", help="Folder with the original files of the data sets."),
]
Download = Annotated[bool, typer.Option("--download", help="Let torchvision download what is missing.")]


def _plug_in(folders: list[Path] | None) -> list[Path] | None:
    for folder in folders or ():
        registry.plug_in(folder)
    return folders


Plugin = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR", callback=_plug_in, help="Folder with parts of your own (docs/plugins.md); may be repeated."
    ),
]
Objectives = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="What the front is of, in place of what was searched for: clean, relu_count, online_s@crypten/wan "
        "(docs/latency.md); repeat it for each.",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(value, indent=1, allow_nan=False))
