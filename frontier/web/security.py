"""Who may ask: known hosts, the page's own origin, whoever has the token where there is one; and what a browser may do.

A page on 127.0.0.1 is still reached by every web site that its reader visits, under a name that resolves to 127.0.0.1
(DNS rebinding): so the Host of a request must be one of ours, and its Origin, where it has one, must be the page's.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import psutil
from dash.exceptions import DependencyException
from flask import Flask, Response, redirect, request

from frontier.errors import InputError

COOKIE: Final = "frontier_token"  # and the port: cookies are of a host, and two pages may be
FIELD: Final = "token"  # of the query that trades the token for the cookie
LEAST_CHARACTERS: Final = 16
CATCH_ALL: Final = "/<path:path>"  # Dash's own rule, which answers every path that nobody knows with the page
EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 compared, not bound
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
MOST_BODY_BYTES: Final = 1 << 20  # of what a page posts: its controls


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address. A name may resolve to anything, `localhost` apart."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def token_of(given: str | None, host: str) -> str | None:
    """The token: the text of a file, or a new one for `auto`. Raises InputError where a host needs one and has none."""
    if given is None:
        if is_loopback(host):
            return None
        raise InputError(
            "others can reach this host, so the page needs a token",
            where="--host",
            got=host,
            fix="add --token auto, or --token FILE with a secret of your own in it",
        )
    if given == "auto":
        return secrets.token_urlsafe(24)
    try:
        text = Path(given).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot read the token", where=given, got=str(error)) from None
    if len(text) < LEAST_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text:
        expected = f"one line of at least {LEAST_CHARACTERS} letters, digits or signs"
        raise InputError("not a token", where=given, expected=expected, got=f"{len(text)} characters")
    return text


def hosts_of(host: str, port: int) -> frozenset[str]:
    """The Host headers that are answered."""
    names = {bracketed(host).lower()}
    if is_loopback(host) or host in EVERYWHERE:
        names |= set(LOOPBACK)
    if host in EVERYWHERE:
        names |= {bracketed(name) for name in own_names()}
    return frozenset(name for one in names for name in (f"{one}:{port}", *([one] if port == 80 else [])))


def own_names() -> frozenset[str]:
    """The name of this machine, and the addresses of its interfaces."""
    found = (one for some in psutil.net_if_addrs().values() for one in some)
    addresses = (one.address.partition("%")[0] for one in found if one.family in (socket.AF_INET, socket.AF_INET6))
    return frozenset({socket.gethostname().lower(), *addresses})


def bracketed(host: str) -> str:
    """As it stands in an address: one of IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def policy(hashes: Sequence[str], *, webgl: bool = False) -> str:
    """The content security policy: nothing from elsewhere; inline scripts by hash. Plotly writes styles itself,
    and compiles its shaders' callers with Function where it draws by WebGL."""
    scripts = " ".join(["'self'", *hashes, *(["'unsafe-eval'"] if webgl else [])])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def guard(
    server: Flask, *, hosts: Collection[str], token: str | None, content_policy: str, outputs: Collection[str]
) -> None:
    """Refuse what is not for this page (421 host, 403 origin, 401 token, 404 path, 400 body); give answers headers."""

    def check() -> Response | None:
        if request.host.lower() not in hosts:
            return _refusal(421, "this page is not known under that name")
        origin = request.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in hosts}:
            return _refusal(403, "requests of other pages are not answered")
        if request.headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site") and request.method != "GET":
            return _refusal(403, "requests of other pages are not answered")
        refused = None if token is None else _known(token)
        if refused is not None:
            return refused
        if request.url_rule is not None and request.url_rule.rule == CATCH_ALL:
            return _nothing()
        if request.method == "POST" and not _asks(request.get_json(silent=True), outputs):
            return _refusal(400, "that is nothing that this page asks")
        return None

    def headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = content_policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    server.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    server.before_request(check)
    server.register_error_handler(DependencyException, _nothing)  # a script that the page does not have
    server.after_request(headers)


def _asks(body: object, outputs: Collection[str]) -> bool:
    """Whether a body asks for one of the outputs, as a page does."""
    if not isinstance(body, dict) or body.get("output") not in outputs:
        return False
    return all(isinstance(body.get(name, []), list) for name in ("inputs", "state", "changedPropIds"))


def _nothing(error: Exception | None = None) -> Response:
    return _refusal(404, "there is nothing here")


def _known(token: str) -> Response | None:
    """Let in who has the cookie; trade the token in an address for it, and take it out of the address."""
    cookie = f"{COOKIE}_{urlsplit(f'//{request.host}').port or 80}"
    if _same(request.cookies.get(cookie, ""), token):
        return None
    if request.method == "GET" and _same(request.args.get(FIELD, ""), token):
        rest = [(name, value) for name, value in request.args.items(multi=True) if name != FIELD]
        answer = redirect(f"/?{urlencode(rest)}" if rest else "/", code=303)
        answer.set_cookie(cookie, token, httponly=True, samesite="Strict", path="/")
        return answer  # type: ignore[return-value]  # werkzeug's own class, of which flask's is one
    return _refusal(401, "open the address that frontier browse printed, with its token")


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _refusal(code: int, why: str) -> Response:
    return Response(f"{why}\n", status=code, mimetype="text/plain")
