"""`frontier show`: where a study stands and its front."""

from __future__ import annotations

from frontier.cli._options import DEFAULT_HOME, Home, Json, StudyName, print_json


def command(study: StudyName, home: Home = DEFAULT_HOME, json: Json = False) -> None:
    """Print a study's trials and its front (validation; test beside it)."""
    from frontier.api.study import open_study

    view = open_study(study, home)
    if json:
        print_json(view.summary())
        return
    from frontier.cli._tables import print_study

    print_study(view.summary())
