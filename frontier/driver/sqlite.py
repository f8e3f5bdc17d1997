"""SQLite as the sampler's memory, without waiting for the disk: what a power failure tears is rebuilt from the records.

A killed process loses nothing by it, for what it wrote is with the operating system already. Optuna commits some ten
times a trial, and each of these would wait for the disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy
from optuna.storages import RDBStorage

WAIT_S = 60.0  # for another program that has the file locked, such as one that looks at it
LOCKED = "database is locked"  # what SQLite says after that


def opened(path: Path) -> RDBStorage:
    """Optuna's storage in a file, made where it is missing. Raises whatever SQLite and Optuna do for a broken one."""
    url = sqlalchemy.URL.create("sqlite", database=str(path))  # a path may hold what means something else in a URL
    storage = RDBStorage(url.render_as_string(), engine_kwargs={"connect_args": {"timeout": WAIT_S}})
    storage.engine.dispose()  # connections from before the next line
    sqlalchemy.event.listen(storage.engine, "connect", _hasty)
    return storage


def _hasty(connection: Any, record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
