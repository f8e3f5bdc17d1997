"""`frontier gc`: free the weights of trials that are not on the front, and kept mask searches."""

from __future__ import annotations

from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Plugin
from frontier.errors import InputError

StudyOrNone = Annotated[
    str | None, typer.Argument(metavar="STUDY", help="Whose dominated trials lose their weights.", show_default=False)
]
Trajectories = Annotated[
    bool, typer.Option("--trajectories", help="Delete what the mask searches of all studies have kept for each other.")
]


def command(
    study: StudyOrNone = None, home: Home = DEFAULT_HOME, trajectories: Trajectories = False, plugin: Plugin = None
) -> None:
    """Delete the weights of dominated trials; records and masks always stay."""
    from frontier.api.study import free_trajectories, open_study

    if study is None and not trajectories:
        raise InputError(
            "nothing to free", expected="a STUDY, or --trajectories", fix="frontier list prints the studies"
        )
    both = [open_study(study, home).free_weights()] if study is not None else []
    both += [free_trajectories(home)] if trajectories else []
    files, size_bytes = sum(len(freed) for freed, _ in both), sum(size for _, size in both)
    typer.echo(f"{files} files, {size_bytes / 1e6:.1f} MB freed")
