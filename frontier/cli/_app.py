"""Builds the application from the verbs: every module of frontier.cli offers one function `command`.

A module may also name CONTEXT, settings of the parser: `submit` has them, for it hands on what it does not know.
"""

from __future__ import annotations

from typing import Annotated

import typer

from frontier import __version__, registry

app = typer.Typer(
    name="frontier",
    help="Search the trade-off between accuracy and ReLU count for private inference.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"frontier {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Search the trade-off between accuracy and ReLU count for private inference."""


for verb in registry.names("verb"):
    module = registry.load("verb", verb)
    app.command(verb, context_settings=getattr(module, "CONTEXT", None))(module.command)
