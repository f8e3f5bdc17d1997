"""Where the sampler's memory lies: in this process, in SQLite in the study's folder, or in PostgreSQL."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import final

import optuna
import sqlalchemy.exc
from optuna.exceptions import ExperimentalWarning, OptunaError

from frontier.disk import full_disk, is_full
from frontier.driver import sqlite
from frontier.driver.storage import Storage
from frontier.errors import BlockedError
from frontier.frozen import digest
from frontier.results.store import StudyManifest
from frontier.spaces.goals import Goals

FILE = "study.db"
STUDY = "frontier"  # the name inside SQLite's file, which holds no other study
BROKEN = (sqlalchemy.exc.SQLAlchemyError, OptunaError, RuntimeError, LookupError, ValueError)


@final
@dataclass(frozen=True)
class Database:
    """One study's place in it. Without `storage` it is a file in `folder`; without either nothing is written."""

    folder: Path | None = None
    storage: Storage | None = None
    name: str = STUDY

    @classmethod
    def of(cls, folder: Path, manifest: StudyManifest, storage: Storage | None) -> Database:
        """The study's. In PostgreSQL its name tells it from the studies of that name in other homes."""
        if storage is None:
            return cls(folder)
        return cls(folder, storage, f"{manifest.name}-{digest(manifest, 8)}")

    def __str__(self) -> str:
        return FILE if self.storage is None else f"the study '{self.name}' in {self.storage}"

    def open(self, goals: Goals) -> tuple[optuna.storages.BaseStorage, optuna.Study]:
        """The study, made where it is missing. Raises what the database and Optuna do for a broken one, and
        BlockedError for one in PostgreSQL, which is not ours alone to put aside, and for a full disk."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)  # a study of ours is not news
        try:
            return self._open(goals)
        except BROKEN as error:
            if self.storage is None:
                if is_full(error):
                    raise full_disk(error, self.folder) from None
                raise
            raise BlockedError(
                f"{self} cannot be opened: {self.storage.says(error)}\n"
                "  to do: mend it, or give another database: the sampler's memory is made anew from the records"
            ) from None

    def put_aside(self) -> str:
        """Makes room for an empty study; says what became of the old one."""
        if self.storage is not None:
            backend = self.storage.opened()
            try:
                optuna.delete_study(study_name=self.name, storage=backend)
            except KeyError:
                return "missing"
            finally:
                close(backend)
            return "deleted"
        assert self.folder is not None
        # SQLite's journals must not be applied to a new file
        for path in self.folder.glob(f"{FILE}*"):
            if not path.name.startswith(f"{FILE}.old"):
                path.replace(path.with_name(path.name.replace(FILE, f"{FILE}.old", 1)))
        return f"kept as {FILE}.old"

    def alone(self) -> AbstractContextManager[None]:
        """While this lasts no other driver catches up with this study or takes over its trials."""
        return nullcontext() if self.storage is None else self.storage.alone(self.name)

    def _open(self, goals: Goals) -> tuple[optuna.storages.BaseStorage, optuna.Study]:
        storage: optuna.storages.BaseStorage
        if self.storage is not None:
            storage = self.storage.opened()
        elif self.folder is not None:
            storage = sqlite.opened(self.folder / FILE)
        else:
            storage = optuna.storages.InMemoryStorage()
        study = optuna.create_study(
            storage=storage,
            study_name=self.name,
            directions=[objective.direction for objective in goals.objectives],
            load_if_exists=True,
        )
        with quiet():
            study.set_metric_names([f"log10_{one.name}" if one.minimized else one.name for one in goals.objectives])
        study.get_trials(deepcopy=False)
        return storage, study


def close(storage: optuna.storages.BaseStorage) -> None:
    """Lets go of a database's connections."""
    if isinstance(storage, optuna.storages.RDBStorage):
        storage.engine.dispose()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Optuna marks what we use of it as experimental; the version is pinned, so its user need not hear it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
