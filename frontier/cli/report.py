"""`frontier report`: one self-contained HTML file of a study, or its figures as images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Objectives, Plugin, StudyName

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="File of the page, or folder of the images. Default: reports/rendered/STUDY.html, reports/rendered/STUDY; "
        "STUDY-repriced with --objective.",
    ),
]
Oracle = Annotated[
    bool,
    typer.Option(
        "--oracle",
        help="Oracle-routed figures of norm branches; no deployed network has them. Default file: STUDY-oracle.html.",
    ),
]
Spec = Annotated[
    str,
    typer.Option(metavar="NAME|FILE", help="Which figures, protocols and overlays (reports/specs, docs/reports.md)."),
]
Form = Annotated[
    Literal["html", "svg", "png", "pdf"],
    typer.Option("--format", help="One page, or one image a figure (needs the extra 'static' and Chromium)."),
]
Seeds = Annotated[
    list[str] | None,
    typer.Option(metavar="STUDY", help="A study of the same space with another seed, for bands; may be repeated."),
]


def command(
    study: StudyName,
    home: Home = DEFAULT_HOME,
    out: Out = None,
    oracle: Oracle = False,
    objective: Objectives = None,
    spec: Spec = "default",
    form: Form = "html",
    seeds: Seeds = None,
    plugin: Plugin = None,
) -> None:
    """Render a study's report; prints the path of the file, or of each image."""
    from frontier.api.study import open_study

    view = open_study(study, home, objectives=objective or ())
    if form == "html":
        typer.echo(view.report(out, oracle=oracle, spec=spec, seeds=seeds or ()))
        return
    for path in view.figures(out, form=form, oracle=oracle, spec=spec, seeds=seeds or ()):
        typer.echo(path)
