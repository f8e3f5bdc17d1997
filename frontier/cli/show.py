"""`frontier show`: where a study stands and its front."""

from __future__ import annotations

from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Json, Objectives, Plugin, StudyName, print_json

Oracle = Annotated[
    bool, typer.Option("--oracle", help="Oracle-routed figures of norm branches; no deployed network has them.")
]


def command(
    study: StudyName,
    home: Home = DEFAULT_HOME,
    json: Json = False,
    oracle: Oracle = False,
    objective: Objectives = None,
    plugin: Plugin = None,
) -> None:
    """Print a study's trials and its front (validation; test beside it)."""
    from frontier.api.study import open_study

    view = open_study(study, home, objectives=objective or ())
    if json:
        print_json(view.summary(oracle=oracle))
        return
    from frontier.cli._tables import print_study

    print_study(view.summary(oracle=oracle))
