"""`--storage`: PostgreSQL for the sampler's memory. Its password leaves the command line before anything else runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

OPTION, VARIABLE = "--storage", "FRONTIER_STORAGE"


def without_storage(words: Sequence[str]) -> list[str]:
    """A command line without the option and its value."""
    kept: list[str] = []
    skipped = False
    for word in words:
        if skipped:
            skipped = False
        elif word == OPTION:
            skipped = True
        elif not word.startswith(f"{OPTION}="):
            kept.append(word)
    return kept


def _off_the_command_line(url: str | None) -> str | None:
    """Starts this process anew with the URL in the environment, where `ps` and Ray's page do not show its password."""
    if url and any(url in word for word in sys.orig_argv):
        os.execve(  # noqa: S606 - the very program that runs
            sys.executable, [sys.executable, *without_storage(sys.orig_argv[1:])], os.environ | {VARIABLE: url}
        )
    return url


Storage = Annotated[
    str | None,
    typer.Option(
        OPTION,
        metavar="URL",
        envvar=VARIABLE,
        callback=_off_the_command_line,
        help="PostgreSQL for the sampler's memory, postgresql://USER:PASSWORD@HOST/DATABASE, so that several drivers "
        "may work on the study; default: SQLite in its folder. Never stored: give it again with --resume.",
    ),
]
