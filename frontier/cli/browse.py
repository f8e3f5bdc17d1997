"""`frontier browse`: an interactive page of studies, served to this machine alone unless told otherwise."""

from __future__ import annotations

import errno
import webbrowser
from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Plugin
from frontier.errors import BlockedError, InputError
from frontier.shelves import PAGE_PORT

Studies = Annotated[list[str] | None, typer.Argument(metavar="[STUDY]...", help="Studies; all under --home without.")]
Host = Annotated[str, typer.Option(help="Address to listen on. One that others can reach needs --token.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one. The page's address is printed.")]
Open = Annotated[bool, typer.Option("--open", help="Open the page in this machine's browser.")]
Token = Annotated[
    str | None,
    typer.Option(metavar="FILE|auto", help="A secret that the page asks for: a file that holds it, or a new one."),
]


def command(
    study: Studies = None,
    home: Home = DEFAULT_HOME,
    host: Host = "127.0.0.1",
    port: Port = PAGE_PORT,
    token: Token = None,
    open: Open = False,  # noqa: A002 the name that people use
    plugin: Plugin = None,
) -> None:
    """Serve an interactive page of studies, read-only: front, prices, limits, points and their files."""
    try:
        from frontier.web.library import Library
        from frontier.web.security import token_of
        from frontier.web.server import serve
    except ModuleNotFoundError as error:
        raise BlockedError(f"the page needs {error.name}; run: pip install 'relu-frontier[web]'") from None
    from frontier.mirror import home_at
    from frontier.results.store import names

    if open and token is not None:
        raise InputError(
            "would put the token where other users of this machine can read it, among a browser's words",
            where="--open",
            fix="leave it out and open the printed address yourself",
        )
    folder = home_at(home)
    chosen = tuple(dict.fromkeys(study or names(folder)))
    if not chosen:
        raise InputError("no study to show", where=home, fix="run a search first, or give another --home")
    secret = token_of(token, host)

    def ready(url: str) -> None:
        typer.echo(_shown(url, token))
        if open and not webbrowser.open(url):
            typer.echo("there is no browser here; open the address elsewhere", err=True)

    try:
        serve(Library(folder, chosen), host, port, secret, ready)
    except OSError as error:
        fixes = {
            errno.EADDRINUSE: "give another --port; 0 takes a free one",
            errno.EADDRNOTAVAIL: "give another --host",
        }
        what = f"cannot listen there ({error.strerror})"
        raise InputError(what, where=f"{host}:{port}", fix=fixes.get(error.errno or 0)) from None


def _shown(url: str, token: str | None) -> str:
    """The page's address; a token out of a file is left where it is, for what is printed may end up in a log."""
    if token in (None, "auto"):
        return url
    address, _, query = url.partition("?")
    return f"{address}\nthe first time: {address}?{query.partition('=')[0]}= followed by what '{token}' holds"
