"""`frontier trial`: run one trial from its spec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Data, Device, Download, Home, Plugin

Spec = Annotated[Path, typer.Argument(metavar="SPEC.json", help="A study's trials/7/spec.json, or a record.json.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="The trial's folder; default: HOME/single/HASH.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]


def command(
    spec: Spec,
    out: Out = None,
    home: Home = DEFAULT_HOME,
    data: Data = None,
    download: Download = False,
    device: Device = "auto",
    threads: Threads = 1,
    plugin: Plugin = None,
) -> None:
    """Run one trial and print its record's path. Needs neither ray nor optuna (`python -m frontier.trial` neither
    typer nor rich)."""
    from frontier.mirror import home_at
    from frontier.trial.single import run_file

    typer.echo(run_file(spec, out, home=home_at(home), data=data, download=download, device=device, threads=threads))
