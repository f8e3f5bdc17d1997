"""`frontier relus`: count a network's ReLUs by running it, in both conventions."""

from __future__ import annotations

from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Json, Plugin, print_json

Network = Annotated[str, typer.Argument(metavar="NETWORK", help="A backbone, such as resnet18, or pkg.module:factory.")]
Image = Annotated[str, typer.Option(metavar="CxHxW", help="Size of one image.")]


def command(
    network: Network,
    image: Image = "3x32x32",
    json: Json = False,
    home: Home = DEFAULT_HOME,
    plugin: Plugin = None,
) -> None:
    """Print the ReLUs of every site: `full` counts all, `inner` leaves out the stem / final one as SNL does."""
    from frontier.api.relus import count

    found = count(network, image)
    if json:
        print_json(found)
        return
    from frontier.cli._tables import print_sites

    print_sites(found)
