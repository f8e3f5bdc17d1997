"""`frontier calibrate`: fit a protocol's constants to what was measured here, and say how far off prices are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, Json, Plugin, print_json
from frontier.errors import InputError

Sources = Annotated[
    list[Path] | None,
    typer.Argument(metavar="SOURCE", help="Bundles that were measured, and folders of such bundles."),
]
Study = Annotated[str | None, typer.Option(metavar="STUDY", help="A study whose records hold measurements.")]
Protocol = Annotated[
    str | None, typer.Option(metavar="P", help="Whose constants are fitted; default: what prices the measured engine.")
]
HoldOut = Annotated[
    str | None, typer.Option(metavar="N,N", help="ReLU counts not to fit on; default: each budget in turn.")
]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Default: calibration-PROTOCOL.json, here.")]


def command(
    sources: Sources = None,
    study: Study = None,
    protocol: Protocol = None,
    hold_out: HoldOut = None,
    out: Out = None,
    json: Json = False,
    home: Home = DEFAULT_HOME,
    plugin: Plugin = None,
) -> None:
    """Fit a protocol's constants to measurements; frontier price --constants FILE prices with them."""
    if not sources and study is None:
        raise InputError("nothing to fit to", expected="bundles that were measured, or --study STUDY")
    from frontier.api.calibrate import calibrate, save
    from frontier.cli._calibration import parts_of, print_calibration

    found = calibrate(sources or (), study=study, protocol=protocol, hold_out=_counts(hold_out), home=home)
    parts = parts_of(found)  # before anything is written
    path = save(found, out)
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        print_calibration(parts, path)


def _counts(text: str | None) -> tuple[int, ...]:
    """`50000,180000`. Raises InputError."""
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise InputError("not ReLU counts", where="--hold-out", expected="N,N such as 50000,180000", got=text)
    return tuple(map(int, parts))
