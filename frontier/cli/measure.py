"""`frontier measure`: private inference of an exported network between two real processes, timed and counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from frontier import registry
from frontier.cli._options import DEFAULT_HOME, Data, Home, Json, Plugin, print_json
from frontier.errors import InputError

Bundle = Annotated[Path | None, typer.Argument(metavar="BUNDLE", help="A bundle that frontier export wrote.")]
Study = Annotated[
    str | None, typer.Option(metavar="STUDY", help="A point of a study in its place; its record gains the figures.")
]
Trial = Annotated[str | None, typer.Option(metavar="N[.K]", help="The point of the study.")]
Engine = Annotated[str, typer.Option(metavar="E", help="What evaluates the ReLUs (docs/latency.md).")]
Repeats = Annotated[int | None, typer.Option(metavar="R", help="Runs of each image; 5 unless given.")]
Images = Annotated[int | None, typer.Option(metavar="N", help="Images of the test split; 1 unless given.")]
Bits = Annotated[int, typer.Option(metavar="F", help="Bits of fraction in the ring of 64 bits.")]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Of the simulated offline phase; 0 unless given.")]
Listen = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Be the server alone, for one measurement.")]
Connect = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Be the client of that server.")]
Link = Annotated[
    str | None, typer.Option(metavar="LINK", help="Emulate lan, wan or RTT_MS,MBIT_S on this host; takes root.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No line for every run on stderr.")]


def command(
    bundle: Bundle = None,
    study: Study = None,
    trial: Trial = None,
    engine: Engine = "crypten",
    repeats: Repeats = None,
    images: Images = None,
    fraction_bits: Bits = 16,
    seed: Seed = None,
    listen: Listen = None,
    connect: Connect = None,
    link: Link = None,
    quiet: Quiet = False,
    json: Json = False,
    home: Home = DEFAULT_HOME,
    data: Data = None,
    plugin: Plugin = None,
) -> None:
    """Measure private inference of BUNDLE, or of a study's point, between two processes; an instrument, whose offline
    phase is simulated."""
    given = {"--repeats": repeats, "--images": images, "--seed": seed, "--connect": connect, "--link": link}
    _exactly_one(bundle, study, trial)
    if listen is not None:
        _refuse({**given, "--json": json or None, "--study": study})
        from frontier.api.measure import serve

        assert bundle is not None
        typer.echo(f"simulated: {registry.load('engine', engine).SIMULATED}", err=True)
        serve(bundle, listen, engine=engine, fraction_bits=fraction_bits, on_listening=_print_address)
        return
    from frontier.api.measure import IMAGES, REPEATS, measure
    from frontier.api.measure_point import Options, measure_point
    from frontier.cli._measured import print_measured, print_progress

    options = Options(
        engine=engine,
        repeats=repeats if repeats is not None else REPEATS,
        images=images if images is not None else IMAGES,
        fraction_bits=fraction_bits,
        seed=seed or 0,
        connect=connect,
        link=link,
        on_progress=None if quiet else print_progress,
    )
    if study is not None and trial is not None:
        found = measure_point(study, trial, home=home, data=data, **options)
    else:
        assert bundle is not None
        found = measure(bundle, data=data, **options)
    if json:
        print_json(found.measured.model_dump(mode="json"))
    else:
        print_measured(found)


def _exactly_one(bundle: Path | None, study: str | None, trial: str | None) -> None:
    """Raises InputError unless one network is named, a study's by its trial."""
    if (bundle is None) == (study is None):
        got = "neither" if bundle is None else "both"
        raise InputError("not one network to measure", expected="BUNDLE, or --study STUDY --trial N[.K]", got=got)
    if (study is None) != (trial is None):
        fix = "say which point: --trial N[.K]" if trial is None else "say of which study: --study STUDY"
        raise InputError("--study and --trial go together", fix=fix)


def _refuse(of_client: Mapping[str, object]) -> None:
    stray = [name for name, value in of_client.items() if value is not None]
    if stray:
        raise InputError(f"{', '.join(stray)} with --listen", fix="the client says that; leave it out here")


def _print_address(host: str, port: int) -> None:
    typer.echo(f"listening on {host}:{port}")
