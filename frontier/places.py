"""Where leases lie: a folder, on any file system, or whatever else keeps small texts by name, each made once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

from frontier.files import age_s


class Place(Protocol):
    """Methods raise OSError while it is out of reach."""

    @property
    def beat_s(self) -> float:
        """Between two touches."""

    def names(self) -> list[str]: ...

    def create(self, name: str, text: str) -> bool:
        """Whether it was made: not where there is one."""

    def read(self, name: str) -> str | None: ...

    def touch(self, name: str) -> None: ...

    def age_s(self, name: str) -> float | None: ...

    def remove(self, name: str) -> None: ...


@final
@dataclass(frozen=True)
class Folder:
    """A folder that exists, as a place."""

    path: Path
    beat_s: float

    def names(self) -> list[str]:
        return [path.name for path in self.path.glob(".*.lease-*")]

    def create(self, name: str, text: str) -> bool:
        path = self.path / name
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            return False
        except OSError:  # no room for it; an empty lease would keep the others waiting
            path.unlink(missing_ok=True)
            raise
        return True

    def read(self, name: str) -> str | None:
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def touch(self, name: str) -> None:
        os.utime(self.path / name)  # with the file server's time

    def age_s(self, name: str) -> float | None:
        try:
            return age_s(self.path / name)
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)
