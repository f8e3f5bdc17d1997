"""A PostgreSQL server of the tests' own: on a free port, in a folder of its own, run by a user without rights."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import final

PASSWORD = "top-secret"  # noqa: S105 - of a server that lives as long as a test


def programs() -> Path | None:
    """The folder of the newest PostgreSQL that is installed, or None."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if folders:
        return folders[-1]
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@final
class Server:
    """Started and stopped at will; `database()` gives an empty database each time."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="frontier-postgres-"))
        self._user: dict[str, object] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb", "-D", self._data, "-U", "frontier", "-A", "scram-sha-256", "--no-sync", f"--pwfile={secret}"
        )
        self._databases = 0

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def start(self) -> None:
        settings = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-l", str(self._folder / "log"), "-o", settings, "-w", "start")

    def stop(self) -> None:
        """As if its machine had been switched off."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def database(self) -> str:
        """The URL of a new database."""
        self._databases += 1
        name = f"test{self._databases}"
        environment = os.environ | {"PGPASSWORD": PASSWORD}
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "frontier", name, env=environment)
        return f"postgresql://frontier:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str, env: dict[str, str] | None = None) -> None:
        # not through a pipe: the server would keep it open
        with open(self._folder / "output", "ab") as output:
            done = subprocess.run(
                [self._programs / program, *arguments], stdout=output, stderr=output, cwd="/", env=env, **self._user
            )
        assert done.returncode == 0, (self._folder / "output").read_text()
