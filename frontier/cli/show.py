"""`frontier show`: where a study stands and its front, or one point of it."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Json, Objectives, Plugin, StudyName, print_json

Oracle = Annotated[
    bool, typer.Option("--oracle", help="Oracle-routed figures of norm branches; no deployed network has them.")
]
Trial = Annotated[
    str | None, typer.Option(metavar="N[.K]", help="One point: its accuracies, and measured beside priced seconds.")
]


def command(
    study: StudyName,
    trial: Trial = None,
    home: Home = DEFAULT_HOME,
    json: Json = False,
    oracle: Oracle = False,
    objective: Objectives = None,
    plugin: Plugin = None,
) -> None:
    """Print a study's trials and its front, or one point (validation; test beside it)."""
    from frontier.api.study import open_study, row

    view = open_study(study, home, objectives=objective or ())
    if trial is not None:
        (point,) = view.chosen([trial], oracle=oracle)
        if json:
            print_json(row(point))
            return
        from frontier.cli._point import print_point

        print_point(study, row(point), "" if home == DEFAULT_HOME else f" --home {shlex.quote(home)}")
        return
    if json:
        print_json(view.summary(oracle=oracle))
        return
    from frontier.cli._tables import print_study

    print_study(view.summary(oracle=oracle))
