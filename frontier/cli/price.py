"""`frontier price`: what private inference of a network would cost under a protocol, over a link."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Json, Plugin, print_json
from frontier.errors import InputError

Study = Annotated[str | None, typer.Option(metavar="STUDY", help="A study: prices its front.")]
Trial = Annotated[str | None, typer.Option(metavar="N[.K]", help="One point of the study.")]
Bundle = Annotated[Path | None, typer.Option(metavar="DIR", help="A bundle that frontier export wrote.")]
Backbone = Annotated[str | None, typer.Option(metavar="NETWORK", help="A plan: this network, not trained.")]
Image = Annotated[str | None, typer.Option(metavar="CxHxW", help="Size of one image of the plan. [default: 3x32x32]")]
Relus = Annotated[int | None, typer.Option(metavar="N", help="ReLUs of the plan, spread in proportion to the sites.")]
LastLayers = Annotated[int | None, typer.Option(metavar="L", help="Pack them into the last L sites instead.")]
Classes = Annotated[int | None, typer.Option(metavar="N", help="Classes of the plan's network. [default: 10]")]
Protocol = Annotated[
    str | None, typer.Option(metavar="P", help="A protocol by its name (docs/latency.md). [default: crypten]")
]
Constants = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Price with what frontier calibrate fitted, not as published.")
]
Link = Annotated[str, typer.Option(metavar="LINK", help="lan (0.3 ms, 3 Gbit), wan (40 ms, 400 Mbit), RTT_MS,MBIT_S.")]


def command(
    study: Study = None,
    trial: Trial = None,
    bundle: Bundle = None,
    backbone: Backbone = None,
    image: Image = None,
    relus: Relus = None,
    last_layers: LastLayers = None,
    classes: Classes = None,
    protocol: Protocol = None,
    link: Link = "lan",
    constants: Constants = None,
    json: Json = False,
    home: Home = DEFAULT_HOME,
    plugin: Plugin = None,
) -> None:
    """Price --study, --bundle or --backbone: seconds, bytes and rounds by a protocol's constants (docs/latency.md)."""
    _exactly_one({"--study": study, "--bundle": bundle, "--backbone": backbone})
    _only_with("--study", study, {"--trial": trial})
    of_plan = {"--image": image, "--relus": relus, "--last-layers": last_layers, "--classes": classes}
    _only_with("--backbone", backbone, of_plan)

    from frontier.api.price import CLASSES, IMAGE, PROTOCOL, price_bundle, price_plan, price_study
    from frontier.cli._prices import notes_of, print_price, print_prices
    from frontier.results.calibration import read_calibration

    name = protocol or (PROTOCOL if constants is None else read_calibration(constants).protocol)
    if study is not None:
        asked = [trial] if trial is not None else ()
        points = price_study(study, asked, protocol=protocol, link=link, constants=constants, home=home)
        if not json:
            print_prices(points, name, link)
            return
        print_json([point.summary() for point in points])
        notes = notes_of(point.price for point in points)
    else:
        if bundle is not None:
            found = price_bundle(bundle, protocol=protocol, link=link, constants=constants)
        elif backbone is not None and relus is not None:
            size, count = image if image is not None else IMAGE, classes if classes is not None else CLASSES
            found = price_plan(
                backbone,
                relus,
                image=size,
                last_layers=last_layers,
                classes=count,
                protocol=protocol,
                link=link,
                constants=constants,
            )
        else:
            raise InputError("a plan without its ReLUs", where="--backbone", fix="say how many are kept: --relus N")
        if not json:
            print_price(found, name, link)
            return
        print_json(found.model_dump(mode="json"))
        notes = notes_of([found])
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def _exactly_one(sources: Mapping[str, object]) -> None:
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        raise InputError(
            "several things to price" if given else "nothing to price",
            expected=f"exactly one of {', '.join(sources)}",
            got=" and ".join(given) or "none of them",
        )


def _only_with(source: str, value: object, options: Mapping[str, object]) -> None:
    stray = [name for name, given in options.items() if given is not None]
    if value is None and stray:
        raise InputError(f"{', '.join(stray)} without {source}", fix=f"{stray[0]} belongs to {source}: leave it out")
