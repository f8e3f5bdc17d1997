"""Calibrating a protocol: its constants fitted to what `frontier measure` wrote beside bundles. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from frontier.api.study import open_study
from frontier.errors import InputError
from frontier.latency import _calibrate
from frontier.latency._calibrated import protocol as calibratable
from frontier.latency._calibrated import protocol_of
from frontier.latency._observed import Observation
from frontier.results.calibration import Calibration, write_calibration
from frontier.results.measured import read_measured
from frontier.shelves import DEFAULT_HOME
from frontier.trial.manifest import MANIFEST, read_manifest

PATTERN = "measured-*.json"


def calibrate(
    sources: Sequence[Path | str] = (),
    *,
    study: str | None = None,
    protocol: str | None = None,
    hold_out: Sequence[int] = (),
    home: Path | str = DEFAULT_HOME,
) -> Calibration:
    """The constants of a protocol, fitted to the measurements beside bundles, in folders of bundles, and in the records
    of a study. `protocol` is the one that prices what was measured, where that was one engine's work.

    Networks of the ReLU counts `hold_out` are not fitted on. Without any, every budget is held out in turn to say how
    far off a price without it is; the constants are then fitted to all. Raises InputError for what is no source, where
    nothing was measured, and for a protocol that no engine measures.
    """
    found = list(_beside(sources))
    if study is not None:
        found += _recorded(study, home)
    engines = {one.measured.engine: where for where, one in reversed(found)}
    if not engines:
        raise InputError("no measurements to fit to", fix="measure first: frontier measure BUNDLE")
    known = calibratable(protocol if protocol is not None else _only(engines))
    of_engine = [one for _, one in found if one.measured.engine == known.engine]
    if not of_engine:
        raise InputError(
            f"nothing was measured with the engine of {known.name}",
            where="--protocol",
            expected=f"measurements with {known.engine}",
            got=f"some with {', '.join(sorted(engines))}",
            fix=f"measure with it: frontier measure BUNDLE --engine {known.engine}",
        )
    return _calibrate.calibrate(known, of_engine, hold_out)


def save(calibration: Calibration, out: Path | str | None = None) -> Path:
    """Write it to `out`, by default `calibration-PROTOCOL.json` in the current folder; an older one is replaced."""
    path = Path(out) if out is not None else Path(f"calibration-{calibration.protocol}.json")
    write_calibration(calibration, path)
    return path


Found = tuple[str, Observation]  # where it stands, for errors, and what was observed


def _only(engines: Mapping[str, str]) -> str:
    """The protocol that prices what the one engine of these measures; each with a place where it is named."""
    if len(engines) > 1:
        raise InputError(
            "several engines were measured",
            where="--protocol",
            expected=f"the protocol of one of {', '.join(sorted(engines))}",
            fix="say whose constants are to be fitted",
        )
    ((engine, where),) = engines.items()
    found = protocol_of(engine)
    if found is None:
        raise InputError(
            "no protocol prices what this engine measures",
            where=where,
            expected="an engine that a protocol names as its ENGINE",
            got=engine,
        )
    return found


def _beside(sources: Sequence[Path | str]) -> Iterator[Found]:
    """The measurements beside bundles, and in folders of bundles: each file once, however often it is named."""
    read: set[Path] = set()
    for folder in (folder for source in sources for folder in _bundles(Path(source))):
        manifest = read_manifest(folder)
        for path in sorted(folder.glob(PATTERN)):
            if path.resolve() in read:
                continue
            read.add(path.resolve())
            measured = read_measured(path)
            if measured.mask_hash != manifest.mask_hash:
                raise InputError("a measurement of another network", where=str(path), fix="remove it")
            yield str(path), Observation(manifest.results.profile, measured)


def _bundles(source: Path) -> list[Path]:
    if (source / MANIFEST).is_file():
        return [source]
    found = sorted(path.parent for path in source.glob(f"*/{MANIFEST}"))
    if not found:
        raise InputError(
            "no bundle, and no folder of bundles",
            where=str(source),
            expected="a folder that frontier export wrote, or one that holds such folders",
        )
    return found


def _recorded(study: str, home: Path | str) -> Iterator[Found]:
    for point in open_study(study, home).points():
        for measured in point.measurements:
            yield f"study '{study}', trial {point.address}", Observation(point.point.profile, measured)
