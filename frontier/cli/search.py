"""`frontier search`: run a search, show it live, end with the front, a report and what to do next."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from json import dumps
from typing import Annotated, Any, Literal

import typer

from frontier.cli import check, estimate
from frontier.cli._options import DEFAULT_HOME, Data, Device, Download, Home, Plugin
from frontier.cli._storage import Storage, without_storage
from frontier.cli.check import SpaceName
from frontier.shelves import TRAJECTORIES_GB

Name = Annotated[str | None, typer.Option(help="Name of the study; default: the space's.")]
Trials = Annotated[int | None, typer.Option(metavar="N", help="The study's total, also with --resume.")]
Seed = Annotated[int | None, typer.Option(metavar="S", help="Seed of the study.")]
Sampler = Annotated[str | None, typer.Option(help="Who proposes the next trial; default: the space's.")]
Pruner = Annotated[str | None, typer.Option(help="Who stops trials early; default: the space's, or nobody.")]
Backend = Annotated[str, typer.Option(help="Who runs the trials: ray or inline.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a study that exists.")]
Concurrency = Annotated[int | None, typer.Option(metavar="N", help="Trials at once; default: as many as cores carry.")]
Keep = Annotated[Literal["front", "all", "none"] | None, typer.Option(help="Whose weights stay; default: front.")]
Trajectories = Annotated[
    float, typer.Option(metavar="GB", help="Disk for the mask searches that trials share; 0: share none.")
]
TrialDeadline = Annotated[float | None, typer.Option(metavar="MIN", help="A trial that takes longer fails.")]
Deadline = Annotated[
    float | None, typer.Option(metavar="HOURS", help="After that nothing more is handed out; go on with --resume.")
]
Grace = Annotated[
    float | None, typer.Option(metavar="S", help="For running trials after --deadline or SIGTERM; default: 30 seconds.")
]
Address = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="A running Ray cluster, or auto for this machine's; default: a local one."),
]
Cpu = Annotated[
    float | None, typer.Option(metavar="X", help="CPUs of one trial, and its threads; default: the space's.")
]
Gpu = Annotated[
    float | None,
    typer.Option(metavar="X", help="GPUs of one trial; 0.25: four trials on one, a quarter of its memory each."),
]
GpuGib = Annotated[
    float | None,
    typer.Option(metavar="GIB", help="GPU memory of one trial, in place of --gpu: as many on a GPU as it holds."),
]
Enqueue = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE|STUDY:N|published",
        help="Guesses to ask first: a YAML list, a point of a study, or where papers have been; repeat it.",
    ),
]
WarmStart = Annotated[
    list[str] | None,
    typer.Option(metavar="STUDY", help="A study of the same data and network to learn from; repeat it."),
]
Replicate = Annotated[
    int | None, typer.Option(metavar="K", help="Then run every trial of the front again with K other seeds.")
]
Events = Annotated[bool, typer.Option("--json", help="Print the events on stdout, one JSON object a line.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what would run and what it would take, rehearsed on the CPU, and stop.")
]
Progress = Annotated[str, typer.Option(help="auto, rich, plain or none; on stderr.")]

GIVEN_UP = 0.05  # clean accuracy that the suggested export gives up against the best, for fewer ReLUs


def command(
    space: SpaceName,
    name: Name = None,
    home: Home = DEFAULT_HOME,
    trials: Trials = None,
    seed: Seed = None,
    sampler: Sampler = None,
    pruner: Pruner = None,
    backend: Backend = "ray",
    resume: Resume = False,
    concurrency: Concurrency = None,
    keep: Keep = None,
    data: Data = None,
    download: Download = False,
    device: Device = "auto",
    address: Address = None,
    storage: Storage = None,
    trajectories: Trajectories = TRAJECTORIES_GB,
    trial_deadline: TrialDeadline = None,
    deadline: Deadline = None,
    grace: Grace = None,
    cpu: Cpu = None,
    gpu: Gpu = None,
    gpu_gib: GpuGib = None,
    enqueue: Enqueue = None,
    warm_start: WarmStart = None,
    replicate: Replicate = None,
    progress: Progress = "auto",
    json: Events = False,
    dry_run: DryRun = False,
    plugin: Plugin = None,
) -> None:
    """Search a space: many trials, each a network linearized to a ReLU budget, their front kept as it grows."""
    if dry_run:
        for said in (check.command, partial(estimate.command, trials=trials, concurrency=concurrency, device="cpu")):
            said(space, home=home, data=data, json=json)
        return
    from frontier.api.search import search, storage_shown
    from frontier.cli._panel import follow
    from frontier.cli._tables import print_study

    words = [word for word in without_storage(sys.argv[1:]) if word != "--resume"]
    memory = [] if storage is None else ["--storage", storage_shown(storage)]
    same_command = shlex.join(["frontier", *words, *memory, "--resume"])
    with follow(progress, resume=same_command) as shown:

        def tell(event: dict[str, Any]) -> None:
            if json:
                typer.echo(dumps(event))
            shown(event)

        view = search(
            space,
            name=name,
            home=home,
            trials=trials,
            seed=seed,
            sampler=sampler,
            pruner=pruner,
            backend=backend,
            resume=resume,
            concurrency=concurrency,
            keep=keep,
            data=data,
            download=download,
            device=device,
            address=address,
            storage=storage,
            trajectories_gb=trajectories,
            trial_deadline_min=trial_deadline,
            deadline_h=deadline,
            grace_s=grace,
            cpu=cpu,
            gpu=gpu,
            gpu_gib=gpu_gib,
            enqueue=enqueue or (),
            warm_start=warm_start or (),
            replicate=replicate,
            on_event=lambda event: tell(event.model_dump(mode="json")),
        )
    if json:
        return
    print_study(view.summary())
    report = view.report()
    elsewhere = "" if home == DEFAULT_HOME else f" --home {shlex.quote(home)}"
    elsewhere += "".join(f" --plugin {shlex.quote(str(folder))}" for folder in plugin or ())
    typer.echo(f"\nreport  {report}\nnext    frontier show {view.name}{elsewhere} --json")
    front = view.front()
    if front:
        best = max(found.point.validation.clean.value for found in front)
        near = [found for found in front if found.point.validation.clean.value >= best - GIVEN_UP]
        good = next((found for found in near if not found.violated), near[0])
        typer.echo(f"        frontier export {view.name}{elsewhere} --trial {good.address} --out exported")
    typer.echo(f"        frontier search {shlex.quote(space)} --name {view.name}{elsewhere} --resume --trials N")
