"""Measuring a point of a study: it is exported aside, and what is measured is added to its trial's record."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TypedDict, Unpack

from frontier.api.measure import Found, OnProgress, measure
from frontier.api.study import open_study
from frontier.files import writable
from frontier.latency._link import Link
from frontier.shelves import DEFAULT_HOME
from frontier.trial.subject import add_measurement


class Options(TypedDict, total=False):
    """Those of `frontier.measure`."""

    engine: str
    repeats: int
    images: int
    fraction_bits: int
    seed: int
    connect: str | None
    link: Link | str | None
    on_progress: OnProgress | None


def measure_point(
    study: str,
    trial: int | str,
    *,
    home: Path | str = DEFAULT_HOME,
    data: Path | str | None = None,
    **options: Unpack[Options],
) -> Found:
    """Measure a point (`7`, or `7.1` for an extra one) as `frontier.measure` measures a bundle, and add the figures to
    its trial's record, without the single runs that count; the record changes in nothing else.

    Raises as `measure` does, and InputError where there is no such point or its weights were not kept.
    """
    view = open_study(study, home)
    (subject,) = view.subjects([trial])
    subject.weights()
    writable(subject.folder, "--home")
    with tempfile.TemporaryDirectory(prefix="frontier-measure-") as aside:
        bundle = view.export(subject.address, Path(aside) / "bundle", data=data)
        measured = measure(bundle, data=data, **options).measured
    return Found(measured, add_measurement(subject, measured))
