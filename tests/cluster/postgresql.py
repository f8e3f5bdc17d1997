"""A PostgreSQL server on one of the hosts, run by a user without rights and reached over their network."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import hosts

PORT = 5432
USER, DATABASE = "frontier", "frontier"
NOBODY = "65534"


def installed() -> Path | None:
    """The folder of the newest PostgreSQL, where its driver for Python is installed, too."""
    if find_spec("psycopg") is None:
        return None
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent  # its companions lie beside the file, not beside a link
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return folders[-1] if folders else None


def start(host: hosts.Host, programs: Path, folder: Path) -> str:
    """The URL of an empty database. The server ends with its host."""
    password, secret, data = os.urandom(16).hex(), folder / "password", folder / "data"
    folder.mkdir()
    secret.write_text(password)
    for path in (folder, secret):
        os.chown(path, int(NOBODY), int(NOBODY))
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env", "-C", str(folder)]

    def run(program: str, *words: str) -> None:
        # not through a pipe: the server would keep it open
        quietly = f'exec "$@" >> {folder}/output 2>&1 < /dev/null'
        host.run([*as_nobody, f"PGPASSWORD={password}", "sh", "-c", quietly, "sh", str(programs / program), *words])

    run("initdb", "-D", str(data), "-U", USER, "-A", "scram-sha-256", "--no-sync", f"--pwfile={secret}")
    with open(data / "pg_hba.conf", "a", encoding="utf-8") as rules:
        rules.write(f"host all all {hosts.NETWORK}0/24 scram-sha-256\n")
    settings = f"-p {PORT} -k {folder} -c listen_addresses={host.address} -c fsync=off"
    run("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-o", settings, "-w", "start")
    run("createdb", "-h", str(folder), "-p", str(PORT), "-U", USER, DATABASE)
    return f"postgresql://{USER}:{password}@{host.address}:{PORT}/{DATABASE}"
