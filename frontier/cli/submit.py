"""`frontier submit`: a search that runs on a cluster, sent from a machine that is none of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from frontier.cli import search
from frontier.cli._options import DEFAULT_HOME, Home, Json, print_json
from frontier.cli.check import SpaceName
from frontier.errors import InputError

# What is no option of submit itself is one of search.
CONTEXT: Final = {"allow_extra_args": True, "ignore_unknown_options": True}

Address = Annotated[
    str,
    typer.Option(
        metavar="URL", envvar="RAY_API_SERVER_ADDRESS", help="The head node's jobs API: http://HOST:8265 (or a tunnel)."
    ),
]


def command(
    context: typer.Context, space: SpaceName, address: Address, home: Home = DEFAULT_HOME, json: Json = False
) -> None:
    """Start a search on a Ray cluster and print its id. Takes every option of frontier search, after SPACE.

    This directory travels without results, data, environments and .git; --home and --data are folders of the cluster.
    """
    from frontier.api.submit import refuse_secrets, submit

    options = list(context.args)
    refuse_secrets(options)  # before search's own parser, which moves a password into this process's environment
    asked = _parsed(space, options)
    data = asked["data"]
    if data is not None and not Path(data).is_absolute():
        raise InputError(
            "not a folder of the cluster", where="--data", expected="the absolute path of a folder there", got=data
        )
    sent = submit(space, address=address, home=home, options=options, name=asked["name"])
    if sent.open_to_all:
        warning = f"warning: {address} answers without a token: whoever reaches it runs programs there"
        typer.echo(f"{warning} (frontier doctor --address {address})", err=True)
    if json:
        print_json({"id": sent.id, "address": address})
        return
    typer.echo(sent.id)
    typer.echo(shlex.join(["frontier", "status", sent.id, "--address", address, "--follow"]), err=True)


def _parsed(space: str, options: list[str]) -> dict[str, Any]:
    """What `frontier search` would make of its options, which is how a wrong one is refused before it is sent."""
    if space.startswith("-"):
        raise InputError("the space comes first", expected="frontier submit SPACE --address URL [options]", got=space)
    parser = typer.Typer()
    parser.command("search")(search.command)
    return dict(typer.main.get_command(parser).make_context("frontier search", [space, *options]).params)
