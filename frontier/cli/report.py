"""`frontier report`: one self-contained HTML file of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Objectives, Plugin, StudyName

Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Default: reports/rendered/STUDY.html; STUDY-repriced.html with --objective."),
]
Oracle = Annotated[
    bool,
    typer.Option(
        "--oracle",
        help="Oracle-routed figures of norm branches; no deployed network has them. Default file: STUDY-oracle.html.",
    ),
]


def command(
    study: StudyName,
    home: Home = DEFAULT_HOME,
    out: Out = None,
    oracle: Oracle = False,
    objective: Objectives = None,
    plugin: Plugin = None,
) -> None:
    """Render a study's report; prints the file's path."""
    from frontier.api.study import open_study

    typer.echo(open_study(study, home, objectives=objective or ()).report(out, oracle=oracle))
