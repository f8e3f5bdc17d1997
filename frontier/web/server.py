"""The server of a page: Dash behind waitress, guarded; its address is printed once it answers."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from dash import Dash
from flask import Flask

from frontier.reports.theme import DARK, LIGHT
from frontier.web.callbacks import connect
from frontier.web.desk import Desk
from frontier.web.downloads import offer
from frontier.web.library import Library
from frontier.web.page import layout
from frontier.web.security import EVERYWHERE, FIELD, bracketed, guard, hosts_of, policy
from frontier.web.style import variables

THREADS = 6
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{%title%}</title>{%favicon%}{%css%}<style>STYLE</style></head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>"""


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    token: str | None

    @property
    def url(self) -> str:
        """With the token, if there is one."""
        named = socket.gethostname() if self.host in EVERYWHERE else bracketed(self.host)
        return f"http://{named}:{self.port}/" + (f"?{FIELD}={self.token}" if self.token else "")


def application(library: Library, address: Address) -> Flask:
    """The page as a WSGI application that answers under one address."""
    library.refresh(at_least_s=0)
    desk = Desk(library)
    server = Flask("frontier.web")
    app = Dash(
        "frontier.web",
        server=False,
        title=f"frontier: {', '.join(library.snapshot.studies)}",
        update_title="",
        assets_folder=str(files("frontier.web") / "assets"),
        index_string=INDEX.replace("STYLE", variables(LIGHT, DARK)),
        serve_locally=True,
        compress=True,
        suppress_callback_exceptions=True,
        include_pages_meta=False,
        enable_mcp=False,
    )
    app.init_app(server)
    app.layout = lambda: layout(desk.known, library.refresh().version, desk.looked())
    connect(app, desk)
    offer(server, desk)
    content = policy(app.csp_hashes(), webgl=desk.webgl)
    guard(
        server,
        hosts=hosts_of(address.host, address.port),
        token=address.token,
        content_policy=content,
        outputs=app.callback_map,
    )
    return server


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises OSError where it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def _hushed() -> None:
    """A page asks several things at once, and they wait for one another: waitress warns of each."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


def serve(library: Library, host: str, port: int, token: str | None, ready: Callable[[str], None]) -> None:
    """Answers until it is interrupted; `ready` is told the address. Raises OSError where the port is taken."""
    from waitress import create_server

    _hushed()
    made = bound(host, port)
    address = Address(host, made.getsockname()[1], token)
    server = create_server(application(library, address), sockets=[made], threads=THREADS, ident=None)
    ready(address.url)
    server.run()
