"""`frontier doctor`: whether this machine, and a cluster, can carry a search, and who else could use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Data, Home, Json, Plugin, print_json
from frontier.errors import VerificationError

if TYPE_CHECKING:
    from frontier.api.remark import Remark

Address = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A cluster too: http://HOST:8265 from anywhere, HOST:6379 or auto on one of its machines (every node).",
    ),
]
COLOURS = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def command(
    address: Address = None, home: Home = DEFAULT_HOME, data: Data = None, json: Json = False, plugin: Plugin = None
) -> None:
    """Look at what a search needs: each line is ok, a warning or a problem. With a problem the exit code is 5."""
    from frontier.api.doctor import doctor

    remarks = doctor(home=home, data=data, address=address)
    if json:
        print_json([remark.model_dump(mode="json") for remark in remarks])
    else:
        _print(remarks)
    problems = sum(remark.state == "problem" for remark in remarks)
    if problems:
        raise typer.Exit(VerificationError.exit_code)


def _print(remarks: Sequence[Remark]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for remark in remarks:
        said = Text(remark.found)
        if remark.to_do:
            said.append(f"\nto do: {remark.to_do}", style="bold")
        table.add_row(Text(remark.state, style=COLOURS[remark.state]), Text(remark.about), said)
    Console().print(table)
