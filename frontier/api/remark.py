"""One line of what `frontier doctor` says."""

from __future__ import annotations

from typing import Literal

from frontier.frozen import Frozen


class Remark(Frozen):
    """One thing that was looked at. A `warning` lets a search run, a `problem` does not or is dangerous."""

    about: str
    state: Literal["ok", "warning", "problem"] = "ok"
    found: str
    to_do: str | None = None
