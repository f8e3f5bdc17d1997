"""Constant: a number that a price rests on, with where it comes from and what it was fitted on, if it was."""

from __future__ import annotations

from frontier.frozen import Frozen


class Constant(Frozen):
    """`source` is where the number, or what it was fitted on, can be read; `fitted_on` is None for what was counted,
    read or derived."""

    value: float
    unit: str
    source: str
    fitted_on: str | None = None
