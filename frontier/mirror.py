"""A home at a URL is worked on in a local mirror: finished files are published from it, missing ones fetched to it.

    CACHE/frontier/homes/NAME/url     the URL that this folder mirrors; NAME is made from it
                             /...     the files of a home, under the same names as at the URL

CACHE is XDG_CACHE_HOME, or ~/.cache. What is at the URL counts: a mirror may be deleted at any time, and every machine
has one of its own. Whoever holds a path asks `mirror_of` whether it lies in one; for any other path the functions here
do nothing.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, final

from frontier.files import writable, write_atomic
from frontier.frozen import digest
from frontier.leases import once
from frontier.objects import Bucket, url_of

URL = "url"
BEAT_S = 10.0  # between two signs of life of a lease at a URL: each is a PUT
PATIENCE_S = 300.0  # with a store that is away, when something finished is to be published
CONFLICT_S = 5.0  # in which a store that was asked for one object by two at once gives it to one of them
ENDPOINTS = {"s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), "gs": ("STORAGE_EMULATOR_HOST",)}

Made = TypeVar("Made")


@final
@dataclass(frozen=True)
class Mirror:
    """A folder and what it mirrors."""

    home: Path
    bucket: Bucket

    def key(self, path: Path) -> str:
        return path.absolute().relative_to(self.home).as_posix()

    def path(self, key: str) -> Path:
        return self.home / key

    def shown(self, path: Path) -> str:
        """Where this file or folder is at the URL."""
        return f"{self.bucket.url}/{self.key(path)}"

    def place(self, folder: Path, patience_s: float = 0.0) -> Objects:
        """For the leases of what lies in this folder."""
        return Objects(Bucket(self.bucket.url, patience_s), f"{self.key(folder)}/leases")


@final
@dataclass(frozen=True)
class Objects:
    """A folder of a bucket, as a place for leases (`frontier.places.Place`)."""

    bucket: Bucket
    prefix: str
    beat_s: float = BEAT_S

    def names(self) -> list[str]:
        return [key.removeprefix(f"{self.prefix}/") for key in self.bucket.keys(self.prefix)]

    def create(self, name: str, text: str) -> bool:
        bucket = Bucket(self.bucket.url, max(self.bucket.patience_s, CONFLICT_S))
        return bucket.put_new(self._at(name), text.encode())

    def read(self, name: str) -> str | None:
        found = self.bucket.get(self._at(name))
        return None if found is None else found.decode(errors="replace")

    def touch(self, name: str) -> None:
        found = self.bucket.get(self._at(name))
        if found is not None:
            self.bucket.put(self._at(name), found)

    def age_s(self, name: str) -> float | None:
        return self.bucket.age_s(self._at(name))

    def remove(self, name: str) -> None:
        self.bucket.remove([self._at(name)])

    def _at(self, name: str) -> str:
        return f"{self.prefix}/{name}"


def home_at(home: Path | str) -> Path:
    """The folder to work in: the home itself, or the mirror of a URL, which is made where it is missing.

    Raises InputError for a URL that is no home's, and BlockedError where the library for it is missing.
    """
    url = url_of(home)
    if url is None:
        return Path(home)
    Bucket(url).ready()
    scheme = url.partition("://")[0]
    endpoint = next((os.environ[name] for name in ENDPOINTS.get(scheme, ()) if os.environ.get(name)), "")
    name = f"{re.sub('[^A-Za-z0-9]+', '-', url)[:60]}-{digest([url, endpoint], 8)}"
    folder = _mirrors() / name
    writable(folder, "XDG_CACHE_HOME")
    if not (folder / URL).is_file():
        write_atomic(folder / URL, f"{url}\n")
    return folder


def mirror_of(path: Path) -> Mirror | None:
    """The mirror that a file or folder lies in; None where it lies in none."""
    root, place = _mirrors(), path.absolute()
    if not place.is_relative_to(root) or place == root:
        return None
    home = root / place.relative_to(root).parts[0]
    try:
        return Mirror(home, Bucket((home / URL).read_text(encoding="utf-8").strip()))
    except FileNotFoundError:
        return None


def shown(path: Path) -> str:
    """The path, or for one in a mirror where it is at the URL."""
    mirror = mirror_of(path)
    return str(path) if mirror is None else mirror.shown(path)


def publish(*paths: Path) -> None:
    """These files, in this order, in the place of what may be there; a store that is away is waited for."""
    for path in paths:
        if (mirror := mirror_of(path)) is not None:
            bucket = Bucket(mirror.bucket.url, PATIENCE_S)
            bucket.put_file(mirror.key(path), path)


def fetch(*paths: Path, patience_s: float = 0.0) -> bool:
    """Whether all these files are there, those that are missing fetched, the last one first asked for and last written:
    it says that the others are whole."""
    if all(path.is_file() for path in paths):
        return True
    mirror = mirror_of(paths[0])
    if mirror is None:
        return False
    *others, last = paths
    bucket = Bucket(mirror.bucket.url, patience_s)
    content = bucket.get(mirror.key(last))
    if content is None:
        return False
    last.parent.mkdir(parents=True, exist_ok=True)
    if not all(bucket.get_file(mirror.key(path), path) for path in others):
        return False
    write_atomic(last, content)
    return True


def remove(paths: Iterable[Path]) -> None:
    """These files at the URL, which are deleted here."""
    for path in paths:
        if (mirror := mirror_of(path)) is not None:
            mirror.bucket.remove([mirror.key(path)])


def fetch_each(paths: Iterable[Path]) -> None:
    """Those of these files that are missing here and at the URL."""
    for path in paths:
        fetch(path)


def once_anywhere(
    folder: Path,
    name: str,
    files: Sequence[str],
    find: Callable[[], Made | None],
    make: Callable[[Callable[[], None]], None],
    *,
    tell: Callable[[str], None] = lambda line: None,
    check: Callable[[], None] = lambda: None,
) -> Made:
    """`leases.once`, and for a folder in a mirror on every machine that works on its URL: what `find` does not find is
    looked for there, made by one of all who ask, and published. `files`: of what is made; the last one finishes it."""
    mirror = mirror_of(folder)
    if mirror is None:
        return once(folder, name, find, make, tell=tell, check=check)
    paths, place = [folder / file for file in files], mirror.place(folder, PATIENCE_S)

    def find_there() -> Made | None:
        if fetch(*paths, patience_s=PATIENCE_S) and (found := find()) is not None:
            return found
        return None

    def make_there(check_here: Callable[[], None]) -> None:
        def make_and_publish(check_there: Callable[[], None]) -> None:
            make(_now_and_then(check_here, check_there))
            publish(*paths)

        once(place, name, find_there, make_and_publish, tell=tell, check=check_here)

    found = once(folder, name, find, make_there, tell=tell, check=check)
    known = paths[-1].with_name(f".{paths[-1].name}.published")
    if not known.exists():  # who made it may have died before it was published
        if mirror.key(paths[-1]) not in mirror.bucket.keys(mirror.key(folder)):
            publish(*paths)
        known.touch()
    return found


def _now_and_then(always: Callable[[], None], seldom: Callable[[], None]) -> Callable[[], None]:
    """Calls the one every time and the other, which asks the store, at most once in BEAT_S."""
    last_s = time.monotonic()

    def check() -> None:
        nonlocal last_s
        always()
        if time.monotonic() - last_s >= BEAT_S:
            seldom()
            last_s = time.monotonic()

    return check


def _mirrors() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - Path's raises without one
    return (Path(cache) / "frontier" / "homes").resolve()
