"""Object stores for tests: one in memory, and an S3 server in a process of its own; mirrors that no two tests share."""

import os
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

for folder in (Path(__file__).parent, Path(__file__).parents[1] / "driver"):
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])

from postgres_server import Server, programs  # noqa: E402 - found by the lines above
from s3_server import Store  # noqa: E402

from frontier import objects  # noqa: E402
from frontier.mirror import home_at  # noqa: E402

Machine = Callable[[str], Path]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a home in this process's memory."""
    from fsspec.implementations.memory import MemoryFileSystem

    monkeypatch.setitem(objects.PROTOCOLS, "memory", "fsspec")
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    return "memory://bucket/home"


@pytest.fixture
def machine(tmp_path: Path, memory: str, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The mirror of the home in memory on the machine of this name, on which we are from then on."""

    def there(name: str) -> Path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        return home_at(memory)

    return there


@pytest.fixture(scope="session")
def s3() -> Iterator[Store]:
    if find_spec("moto") is None or find_spec("s3fs") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("moto or s3fs is not installed")
    with Store() as store:
        yield store


@pytest.fixture
def home(s3: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a home in a new bucket, with the credentials in the environment, and a mirror of this test's own."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return f"s3://{s3.bucket()}/home"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    folder = programs()
    if folder is None or find_spec("psycopg") is None:
        missing = "PostgreSQL" if folder is None else "psycopg"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{missing} is not installed")
    server = Server(folder)
    server.start()
    yield server
    server.remove()
