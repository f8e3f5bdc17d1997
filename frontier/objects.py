"""Object stores, through fsspec: whole objects under one URL, and of many who would make one, one that does.

Credentials come from the environment alone, as the libraries read them (AWS_*, GOOGLE_APPLICATION_CREDENTIALS); a URL
that carries any is refused, and what a store or its library says is quoted without them.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, final

from frontier.errors import BlockedError, InputError

PROTOCOLS = {"s3": "s3fs", "gs": "gcsfs"}  # what frontier works on, and the library behind it
FORM = "s3://BUCKET/FOLDER or gs://BUCKET/FOLDER"
EXTRA = "pip install 'relu-frontier[objects]'"
SECRET = re.compile(r"(AWS|GOOGLE|GCS|FSSPEC)_\w*(KEY|TOKEN|SECRET|CREDENTIALS|PASSWORD)\w*")  # variables with secrets
CONNECT_S, READ_S = 10, 60
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0

T = TypeVar("T")


@final
class Unreachable(BlockedError, OSError):
    """The store does not answer, or does not let us do what we must; an OSError, as a file server's would be."""

    def __str__(self) -> str:
        return str(self.args[0])


def url_of(home: Path | str, where: str = "--home") -> str | None:
    """The URL without a slash at its end, `s3://bucket/folder`; None for a folder.

    A Path folds the two slashes into one and is understood all the same. Raises InputError for a URL that is none of
    an object store's, or that carries anything but a bucket and a folder; it is not quoted then, and `where` says whose
    it is.
    """
    found = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", str(home), flags=re.DOTALL)
    if found is None:
        return None
    scheme, rest = found[1].lower(), found[2].strip("/")
    if scheme not in PROTOCOLS:
        raise InputError("no home of this kind", where=where, expected=f"a folder, {FORM}", got=f"{scheme}://...")
    if re.search(r"[][@?#*\s]", rest) or ".." in rest.split("/") or not rest:
        raise InputError(
            "not a URL of a home",
            where=where,
            expected=f"{FORM}, with neither user and password nor a query",
            got=f"{scheme}://...",
            fix="leave credentials to the environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...)",
        )
    return f"{scheme}://{re.sub('/+', '/', rest)}"


def said(error: BaseException) -> str:
    """The first line of what a store or its library says, without credentials."""
    text = next((line for line in str(error).splitlines() if line.strip()), "") or type(error).__name__
    for name, value in os.environ.items():
        if SECRET.fullmatch(name) and len(value) > 3:
            text = text.replace(value, "***")
    return re.sub(r"\?[^\s\"']*", "", re.sub(r"//[^/@\s]*@", "//***@", text))[:300]


@dataclass(frozen=True)
class Bucket:
    """What lies under a URL; keys are relative to it. Every method raises Unreachable, whose message names the URL.

    `patience_s`: for how long an answer is waited for with growing pauses, where the store has none.
    """

    url: str
    patience_s: float = 0.0

    def ready(self) -> None:
        """Raises BlockedError where the library for it is missing."""
        assert self._fs is not None

    def put_new(self, key: str, content: bytes) -> bool:
        """One conditional PUT; whether the object is this content now. Of many writers one succeeds."""

        def put() -> bool:
            try:
                self._fs.pipe_file(self._at(key), content, mode="create")
            except Exception as error:  # libraries tell the refusal in many ways, and retry a PUT that had succeeded
                found = self._read(key)
                if found is None and not isinstance(error, FileExistsError):
                    raise
                return found == content
            return True

        return self._steadily(put)

    def put(self, key: str, content: bytes) -> None:
        """A whole object, in the place of one that may be there."""
        self._steadily(lambda: self._fs.pipe_file(self._at(key), content))

    def put_file(self, key: str, path: Path) -> None:
        self._steadily(lambda: self._fs.put_file(str(path), self._at(key)))

    def get(self, key: str) -> bytes | None:
        """The object; None where there is none."""
        return self._steadily(lambda: self._read(key))

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Those of the objects that are there, many at a time."""
        wanted = {self._at(key): key for key in keys}

        def read() -> dict[str, bytes]:
            found: Mapping[str, Any] = self._fs.cat(list(wanted), on_error="return") if wanted else {}
            for error in found.values():
                if isinstance(error, BaseException) and not isinstance(error, FileNotFoundError):
                    raise error
            return {wanted[path.lstrip("/")]: content for path, content in found.items() if isinstance(content, bytes)}

        return self._steadily(read)

    def get_file(self, key: str, path: Path) -> bool:
        """Into a file, whole or not at all; whether there is such an object."""
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")

        def read() -> bool:
            try:
                self._fs.get_file(self._at(key), str(temporary))
            except FileNotFoundError:
                return False
            temporary.replace(path)
            return True

        try:
            return self._steadily(read)
        finally:
            temporary.unlink(missing_ok=True)

    def keys(self, prefix: str = "") -> dict[str, str]:
        """All objects whose key begins with `prefix` and a slash, each with a mark that changes with its content."""

        def listed() -> dict[str, str]:
            root = self._at("").rstrip("/")
            try:
                found = self._fs.find(self._at(prefix).rstrip("/"), detail=True)
            except FileNotFoundError:
                return {}
            return {path.lstrip("/").removeprefix(root).lstrip("/"): _mark(about) for path, about in found.items()}

        return self._steadily(listed)

    def folders(self, prefix: str) -> list[str]:
        """Names of what lies in the folder `prefix` and has objects in it, sorted."""

        def listed() -> list[str]:
            try:
                found = self._fs.ls(self._at(prefix), detail=True)
            except FileNotFoundError:
                return []
            return sorted(one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] == "directory")

        return self._steadily(listed)

    def age_s(self, key: str) -> float | None:
        """Seconds since an object was put, by the store's clock: beside an object put just now. None: there is none."""
        probe = f"{key}.{secrets.token_hex(6)}.now"

        def measured() -> float | None:
            self._fs.pipe_file(self._at(probe), b"")
            try:
                return float((self._fs.modified(self._at(probe)) - self._fs.modified(self._at(key))).total_seconds())
            except FileNotFoundError:
                return None
            finally:
                self._remove([probe])

        return self._steadily(measured)

    def remove(self, keys: Iterable[str]) -> None:
        """Those of the objects that are there."""
        gone = list(keys)
        self._steadily(lambda: self._remove(gone))

    def check(self) -> None:
        """Raises Unreachable where the store cannot be written, or puts an object that must be new over another."""
        probe = f".frontier-{secrets.token_hex(6)}"
        first, second = self.put_new(probe, b"1"), self.put_new(probe, b"2")
        self.remove([probe])
        if not first or second:
            raise Unreachable(
                f"{self.url}: this store does not keep to conditional PUTs (If-None-Match), without which two drivers "
                "may both finish one trial\n  to do: take a store that does, or a newer version of this one"
            )

    @property
    def _fs(self) -> Any:
        fs = _file_system(self.url.partition("://")[0], os.getpid())
        fs.invalidate_cache()
        return fs

    def _at(self, key: str) -> str:
        return f"{self.url}/{key}".partition("://")[2].rstrip("/")

    def _read(self, key: str) -> bytes | None:
        try:
            return bytes(self._fs.cat_file(self._at(key)))
        except FileNotFoundError:
            return None

    def _remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(self._at(key))

    def _steadily(self, work: Callable[[], T]) -> T:
        """What `work` returns, tried again for as long as patience lasts. It may be done more than once."""
        end, pause_s = time.monotonic() + self.patience_s, FIRST_PAUSE_S
        while True:
            try:
                return work()
            except BlockedError:
                raise
            except Exception as error:  # noqa: BLE001 - each library has its own, and they quote what must not be shown
                final, words = isinstance(error, PermissionError | NotImplementedError), said(error)
            left_s = end - time.monotonic()
            if final or left_s <= 0:
                raise Unreachable(
                    f"{self.url}: {words}\n  to do: see to the store, the URL and the credentials in the environment"
                )
            time.sleep(min(pause_s, left_s))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _mark(about: Mapping[str, Any]) -> str:
    for name in ("ETag", "etag", "generation"):
        if about.get(name):
            return str(about[name])
    return " ".join(str(about.get(name, "")) for name in ("size", "LastModified", "updated", "mtime", "created"))


@functools.lru_cache(maxsize=4)
def _file_system(protocol: str, process: int) -> Any:
    """fsspec's, one of each process: a fork must not share its connections. Raises BlockedError without its library."""
    library = PROTOCOLS[protocol]
    if find_spec(library) is None:
        raise BlockedError(f"{protocol}:// needs {library}; run: {EXTRA}")
    import fsspec

    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    if protocol == "s3":  # botocore's own retries come on top of those of s3fs
        options["config_kwargs"] = {
            "connect_timeout": CONNECT_S,
            "read_timeout": READ_S,
            "retries": {"max_attempts": 1},
        }
    return fsspec.filesystem(protocol, **options)
