"""`frontier evaluate`: attack and check finished networks on the test split, and add what is found to their records."""

from __future__ import annotations

from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Data, Device, Download, Home, Json, Plugin, StudyName, print_json

Attack = Annotated[str, typer.Option(help="The strongest: autoattack, pgd, fgsm, one of your own, or none.")]
Images = Annotated[int, typer.Option("--n", metavar="N", help="Images of the test split, balanced over the classes.")]
Eps = Annotated[
    list[float] | None,
    typer.Option(metavar="E", help="Attack strength in 1/255, may be repeated; default: the study's own."),
]
Trials = Annotated[
    list[str] | None, typer.Option("--trial", metavar="N[.K]", help="A point, may be repeated; default: the front.")
]
Corruptions = Annotated[str, typer.Option(help="common, held_out, official or none; every severity.")]
Reference = Annotated[str, typer.Option(help="What the mCE is relative to: teacher, a point N[.K], or alexnet.")]
Again = Annotated[bool, typer.Option("--again", help="Evaluate also what has been, with the same settings.")]
Threads = Annotated[int, typer.Option(metavar="N", help="CPU threads.")]
Progress = Annotated[str, typer.Option(help="auto, rich, plain or none; on stderr.")]


def command(
    study: StudyName,
    attack: Attack = "autoattack",
    n: Images = 1000,
    eps: Eps = None,
    trial: Trials = None,
    corruptions: Corruptions = "none",
    reference: Reference = "teacher",
    again: Again = False,
    json: Json = False,
    home: Home = DEFAULT_HOME,
    data: Data = None,
    download: Download = False,
    device: Device = "auto",
    threads: Threads = 1,
    progress: Progress = "auto",
    plugin: Plugin = None,
) -> None:
    """Attack the networks of a study's front, check that the measurement is sound, and add both to their records."""
    from frontier.api.evaluate import evaluate
    from frontier.cli._steps import follow

    with follow(progress) as shown:
        findings = evaluate(
            study,
            home=home,
            attack=attack,
            n=n,
            eps=eps or (),
            trials=trial or (),
            corruptions=corruptions,
            reference=reference,
            again=again,
            data=data,
            download=download,
            device=device,
            threads=threads,
            on_progress=shown,
        )
    if json:
        print_json(findings.summary())
        return
    from frontier.cli._findings import print_findings

    print_findings(findings)
