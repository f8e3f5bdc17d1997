"""PostgreSQL as the sampler's memory: one database for any number of drivers, whose password is never shown."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import final

import optuna
import sqlalchemy
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from frontier.errors import BlockedError, InputError
from frontier.frozen import digest

STORAGE = "FRONTIER_STORAGE"  # the variable of the environment that gives the URL
FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
# A server that is gone without a word is noticed within half a minute, not after TCP's two hours.
CONNECTION: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
    "application_name": "frontier",
}


@final
@dataclass(frozen=True)
class Storage:
    """A PostgreSQL database. `str()` is what may be shown of it: `postgresql://user:***@host/database`."""

    url: sqlalchemy.URL = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Storage:
        """From a URL. Raises InputError, which quotes nothing but the scheme, and BlockedError without psycopg."""
        scheme, found, _ = text.partition("://")
        if scheme not in ("postgresql", "postgresql+psycopg"):
            raise InputError(
                "no storage of this kind",
                where="--storage",
                expected=FORM,
                got=f"{scheme}://..." if found else "no URL",
                fix="leave --storage out to keep the sampler's memory in the study's folder (SQLite)",
            )
        try:
            url = sqlalchemy.make_url(text).set(drivername="postgresql+psycopg")
        except (ArgumentError, ValueError):
            raise _not_one(scheme) from None
        if "@" in f"{url.host}{url.database}":  # then a part of the password is taken for what may be shown
            raise _not_one(scheme)
        if find_spec("psycopg") is None:
            raise BlockedError("PostgreSQL needs psycopg; run: pip install 'relu-frontier[postgresql]'")
        return cls(url)

    def __str__(self) -> str:
        return self.url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)

    def opened(self) -> optuna.storages.RDBStorage:
        """Optuna's storage over it; its tables are made where they are missing. Raises what Optuna and the driver do.

        Optuna's own heartbeat stays off: who lives is said by the files of the study's drivers.
        """
        url = self.url.render_as_string(hide_password=False)
        options = {"pool_pre_ping": True, "connect_args": self._connection()}
        return optuna.storages.RDBStorage(url, engine_kwargs=options)

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """While this lasts, everybody else who asks for `name` waits; the server lets go of it when its holder dies.

        Raises DBAPIError where the server does not answer.
        """
        key = int(digest(name, 15), 16)
        with self._connected() as connection:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield

    def check(self) -> None:
        """Raises BlockedError if the database does not answer."""
        try:
            with self._connected():
                pass
        except SQLAlchemyError as error:
            raise BlockedError(
                f"{self} does not answer: {self.says(error)}\n  to do: start the server, or mend the URL"
            ) from None

    def says(self, error: BaseException) -> str:
        """The first line of what the server or its driver says, in which no password occurs."""
        cause = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) else error
        said = str(getattr(cause, "orig", None) or "").strip() or type(cause).__name__
        secrets = [self.url.password, *(value for key, value in self.url.query.items() if "pass" in key)]
        for secret in secrets:
            said = said.replace(str(secret), "***") if secret else said
        return said.splitlines()[0]

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlalchemy.Connection]:
        engine = sqlalchemy.create_engine(self.url, poolclass=sqlalchemy.NullPool, connect_args=self._connection())
        connection = engine.connect()
        try:
            yield connection
        finally:
            with contextlib.suppress(SQLAlchemyError):  # the server may be gone by now
                connection.close()

    def _connection(self) -> dict[str, str | int]:
        return {key: value for key, value in CONNECTION.items() if key not in self.url.query}


def _not_one(scheme: str) -> InputError:
    return InputError(
        "not a URL",
        where="--storage",
        expected=f"{FORM}, special characters as %XX (@ as %40)",
        got=f"{scheme}://...",
    )
