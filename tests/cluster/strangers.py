"""A jobs API as strangers and owners see it, in this process: it knows some jobs and one token."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "0123456789abcdef" * 4


def job(name: str, **fields: Any) -> dict[str, Any]:
    about = {"frontier": "search", "space": "digits", "study": name.split("-")[1]}
    return {
        "type": "SUBMISSION",
        "submission_id": name,
        "status": "RUNNING",
        "entrypoint": "python -m frontier search digits",
        "metadata": about,
        "start_time": 1_790_000_000_000,
    } | fields


@contextlib.contextmanager
def served(jobs: list[dict[str, Any]], *, token: str | None = TOKEN, status: int = 200) -> Iterator[str]:
    """The address of a jobs API that knows `jobs`; without `token` it answers everybody."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization")
            if token is not None and given != f"Bearer {token}":
                return self._say(401 if given is None else 403, {})
            if self.path == "/api/version":
                return self._say(status, {"ray_version": "2.60.0", "version": "4", "ray_commit": ""})
            if self.path.endswith("/logs"):
                return self._say(status, {"logs": "one\ntwo\nthree\n"})
            return self._say(status, jobs)

        def _say(self, status: int, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Nothing: the tests' output is not a log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
