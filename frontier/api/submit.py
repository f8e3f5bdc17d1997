"""Starts a search on a cluster from afar, as a Ray job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from frontier import shelves
from frontier.api.lookups import load_space
from frontier.driver import jobs as client
from frontier.driver import reach
from frontier.errors import InputError
from frontier.objects import FORM, url_of
from frontier.trial.origin import GIVEN_VERSION, code_version

STORAGE = "--storage"  # its URL holds a password


class Submitted(NamedTuple):
    """The submission's id, and whether the cluster runs what anyone sends who has no token."""

    id: str
    open_to_all: bool


def submit(
    space: str, *, address: str, home: str | Path, options: Sequence[str] = (), name: str | None = None
) -> Submitted:
    """Start `frontier search SPACE OPTIONS --home HOME` on the cluster whose jobs API is at `address`.

    The driver runs on the cluster, in a copy of this working directory without results, data and environments; `home`
    is a folder there, which every node sees. `options` are words of `frontier search`. Raises InputError for a space
    that lies outside of this directory or is wrong, BlockedError for a cluster that does not answer or refuses us.
    """
    address = reach.checked(address)
    if url_of(home) is None and not PurePosixPath(home).is_absolute():
        raise InputError(
            "not a folder of the cluster",
            where="--home",
            expected=f"the absolute path of a folder that every node sees, or {FORM}",
            got=home,
            fix="the copy of this directory is gone with the job, and results in it would be, too",
        )
    refuse_secrets(options)
    question = load_space(space)
    where = ["--home", url_of(home) or str(home)]
    words = ["python", "-m", "frontier", "search", _in_tree(space), "--address", "auto", *where, *options]
    status = reach.status_without_token(address)
    return Submitted(
        client.submit(
            address,
            words,
            folder=Path.cwd(),
            space=question.name,
            study=name or question.name,
            variables={GIVEN_VERSION: code_version()},
        ),
        open_to_all=status is not None and status < 400,
    )


def refuse_secrets(options: Sequence[str]) -> None:
    """Raises InputError where a storage's URL, or any that names a user, would be among the words of the job."""
    everyone = "everyone with the cluster's token can read the words of a job"
    if any(word.partition("=")[0] == STORAGE for word in options):
        raise InputError(
            f"{everyone}, and a storage's URL holds a password",
            where=STORAGE,
            fix="set FRONTIER_STORAGE where the head node is started; the driver runs there and reads it",
        )
    if any(re.search(r"://[^/\s]*@", word) for word in options):
        raise InputError(
            f"{everyone}, and a URL among them holds a user or a password",
            where="the options of frontier search",
            fix="leave credentials to the environment of the head node",
        )


def _in_tree(space: str) -> str:
    """The space as the job finds it: a name of the shelf, or a path from the top of the working tree."""
    path = shelves.find("search_spaces", space)
    if Path(space).name == space and not space.endswith(".yaml"):
        return space
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except ValueError:
        raise InputError(
            "the space lies outside of the working tree, and only that travels to the cluster",
            where=str(path),
            expected=f"a file under {Path.cwd()}",
            fix="run this where the file is, or copy it here",
        ) from None
