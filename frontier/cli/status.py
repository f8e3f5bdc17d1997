"""`frontier status`: the searches on a cluster, or one of them with what it prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Json, print_json
from frontier.cli.submit import Address
from frontier.errors import InputError, Interrupted

if TYPE_CHECKING:
    from frontier.driver.jobs import Job

Id = Annotated[str | None, typer.Argument(metavar="[ID]", help="The id that frontier submit printed; default: all.")]
Follow = Annotated[bool, typer.Option("--follow", help="Print the search's log until it ends; its exit code is ours.")]
Lines = Annotated[int, typer.Option(metavar="N", min=0, help="Lines of the log's end that are shown.")]


def command(
    address: Address,
    id: Id = None,  # noqa: A002 the name that people use
    follow: Follow = False,
    lines: Lines = 20,
    json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Say how the searches on a cluster stand, or one of them with the end of its log."""
    from frontier.api import jobs

    if id is None:
        if follow:
            raise InputError("one search is followed", where="--follow", expected="its id", fix="frontier status ID")
        found = jobs.jobs(address)
        print_json([dataclasses.asdict(one) for one in found]) if json else _print(found)
    elif follow:
        one = jobs.follow(address, id, lambda text: typer.echo(text, nl=False))
        typer.echo(_line(one), err=True)
        if one.state != "SUCCEEDED":
            raise typer.Exit(one.exit_code or (Interrupted.exit_code if one.state == "STOPPED" else 1))
    else:
        one, log = jobs.job(address, id)
        tail = log.splitlines()[-lines:] if lines else []
        if json:
            print_json(dataclasses.asdict(one) | {"log": tail})
            return
        typer.echo("\n".join([_line(one), *tail]))


def _line(one: Job) -> str:
    ended = "" if one.exit_code is None else f" (exit code {one.exit_code})"
    words = f"{one.id}  {one.state}{ended}  study {one.study}, space {one.space}"
    return f"{words}\n{one.message}" if one.message and one.state == "FAILED" else words


def _print(found: Sequence[Job]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not found:
        typer.echo("no searches; frontier submit starts one")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("id", "state", "study", "space", "started", "ended"):
        table.add_column(column, overflow="fold")
    for one in found:
        table.add_row(*map(Text, (one.id, one.state, one.study, one.space, one.started_at or "", one.ended_at or "")))
    Console().print(table)
