"""An S3 server of the tests' own, moto's, in a process of its own on a free port of this machine."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Self, final

import fsspec

SECRET = "a-secret-that-nobody-may-see"  # noqa: S105 - of a server that lives as long as a test
KEY = "AKIAOFNOACCOUNT"
START_S = 60.0


@final
class Store:
    """`environment` is what a process needs to reach it."""

    def __enter__(self) -> Self:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        self._server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._buckets = 0
        self.environment = {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return self
            time.sleep(0.1)
        self._server.kill()
        raise AssertionError("the S3 server did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill()
        self._server.wait()

    def bucket(self) -> str:
        """The name of a new bucket."""
        self._buckets += 1
        name = f"bucket-{self._buckets}"
        client = fsspec.filesystem(
            "s3", key=KEY, secret=SECRET, endpoint_url=self.environment["AWS_ENDPOINT_URL"], skip_instance_cache=True
        )
        client.mkdir(name)
        return name
