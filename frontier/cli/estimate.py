"""`frontier estimate`: what a search will cost, from a few timed steps, before it starts."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from frontier.cli._options import DEFAULT_HOME, Data, Device, Download, Home, Json, Plugin, print_json
from frontier.cli.check import SpaceName

Trials = Annotated[int | None, typer.Option(metavar="N", help="Trials of the search; default: the space's.")]
Concurrency = Annotated[int | None, typer.Option(metavar="N", help="Trials at once; default: as many as cores carry.")]
Keep = Annotated[Literal["front", "all", "none"], typer.Option(help="Whose weights stay.")]
Against = Annotated[
    str | None, typer.Option(metavar="STUDY", help="A study of this space that was run: what it took, beside it.")
]


def command(
    space: SpaceName,
    trials: Trials = None,
    concurrency: Concurrency = None,
    keep: Keep = "front",
    against: Against = None,
    home: Home = DEFAULT_HOME,
    data: Data = None,
    download: Download = False,
    device: Device = "auto",
    json: Json = False,
    plugin: Plugin = None,
) -> None:
    """Rehearse a few steps of every method of a space and print what the search will take: hours and disk."""
    from frontier.api.estimate import estimate

    found = estimate(
        space,
        trials=trials,
        concurrency=concurrency,
        keep=keep,
        home=home,
        data=data,
        download=download,
        device=device,
        against=against,
        tell=lambda line: typer.echo(f"rehearsing {line}", err=True) if sys.stderr.isatty() else None,
    )
    if json:
        print_json(found)
        return
    from frontier.cli._estimate import print_estimate

    print_estimate(found)
