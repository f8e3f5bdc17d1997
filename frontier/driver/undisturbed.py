"""Ctrl-C waits while the books are written: in the middle of it the sampler's database would stay locked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final


@final
class Undisturbed:
    """Puts KeyboardInterrupt off until what must not be interrupted is done."""

    def __init__(self) -> None:
        self._depth = 0
        self.postponed = False

    def interrupt(self) -> None:
        """Raises KeyboardInterrupt, now or after the block that runs."""
        if self._depth:
            self.postponed = True
        else:
            raise KeyboardInterrupt

    @contextmanager
    def __call__(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if self.postponed and not self._depth:
            self.postponed = False
            raise KeyboardInterrupt
