"""One trial from a spec file, as `frontier trial` and `python -m frontier.trial` run it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from frontier.errors import InputError, TrialFailed
from frontier.frozen import digest
from frontier.results.migrate import read_record
from frontier.results.spec import TrialSpec
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

RECORD = "record.json"


def read_spec(path: Path) -> TrialSpec:
    """A spec from its JSON file, or that of a record. Raises InputError that names the field."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the spec ({error.strerror})", where=str(path), expected="a JSON file") from None
    if path.name == RECORD:
        return read_record(text, where=str(path)).spec
    try:
        return TrialSpec.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "top level"
        raise InputError(f"{field}: {first['msg']}", where=str(path), expected="a TrialSpec") from None


def run_file(
    path: Path,
    out: Path | None,
    *,
    home: Path,
    data: Path | None,
    download: bool,
    device: str,
    threads: int,
) -> Path:
    """Run the trial in `out` (default HOME/single/HASH of the spec); returns the record's path.

    Raises InputError if `out` holds a record already, TrialFailed if the trial fails (its record is kept).
    """
    spec = read_spec(path)
    folder = out if out is not None else home / "single" / digest(spec)
    if (folder / RECORD).exists():
        raise InputError("holds a record already", where=str(folder), fix="give another folder with --out")
    runtime = Runtime(home=home, data=data, download=download, device=device, threads=threads)
    record = run(spec, folder, runtime)
    if record.state != "complete":
        raise TrialFailed(f"the trial failed: {record.reason} (record and log are in {folder})")
    return folder / RECORD
