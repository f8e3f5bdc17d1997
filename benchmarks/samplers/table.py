"""A recorded table: one row a point of a trial, in a small file that is committed (CSV, gzip, a line of JSON on top).

Columns: study, trial, point, role; `draw`, equal for trials that differ in nothing but their seed; seed, state; the
parameters as the sampler knows them (`method`, `relu_budget+1`, ...); relu_count; the three accuracies on `validation`
and on `test`; seconds by stage (`s_linearize`, ...), as recorded on whatever machine that was; of each rung of the
finetuning `rung1_relu_count`, `rung1_clean`, ..., `rung1_since_s`, ... (see frontier.results.rung), empty for trials
that were recorded without rungs.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import ValidationError

from frontier.driver.parameters import METHOD, parameter, remembered
from frontier.errors import InputError, RecordError
from frontier.files import write_named
from frontier.frozen import Frozen, digest, first_problem
from frontier.pruners.stratified import GRACE, REDUCTION
from frontier.results.objectives import ACCURACIES, RELU_COUNT
from frontier.results.record import Origin, TrialRecord
from frontier.results.rung import rung_of
from frontier.results.spec import TrialSpec
from frontier.results.store import Study
from frontier.spaces.domain import Domain
from frontier.spaces.space import Space, Value
from frontier.trial.check import knobs_of

TABLES = Path("results/reference/samplers")
RUNG = (RELU_COUNT.name, *ACCURACIES, "since_s", "measure_s", "ask_s")  # of each rung, after rungN_
TRIAL = ["study", "trial"]
LEVELS = tuple(level for level in range(1, 20) if REDUCTION**-level >= GRACE)  # there is none below the grace


class About(Frozen):
    """The first line of the file. `left_out`: records of the studies that are of another question."""

    format: Literal["frontier-samplers-table"] = "frontier-samplers-table"
    version: Literal[1] = 1
    space: str
    space_hash: str
    trials: int
    code_versions: tuple[str, ...]
    torch: tuple[str, ...]
    devices: tuple[str, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Table:
    """`rows` are all of them, `complete` those of complete trials at the asked budget; `hash` is that of the text."""

    about: About
    rows: pd.DataFrame
    hash: str

    @property
    def complete(self) -> pd.DataFrame:
        return self.rows[(self.rows.state == "complete") & (self.rows.role == "asked")].reset_index(drop=True)


def place_of(space: str) -> Path:
    """The committed table of a space."""
    return TABLES / f"{space}.csv.gz"


def compact(space: Space, studies: Sequence[Study], path: Path) -> Table:
    """Write the table of all records in `studies` that are trials of `space`; the others are counted. Trials that the
    table holds already and the studies do not, say of another machine, stay in it."""
    rows: list[dict[str, Any]] = []
    origins: list[Origin] = []
    left_out = 0
    for study in studies:
        for trial, record in study.records():
            if isinstance(record, RecordError) or not asks(space, record.spec):
                left_out += 1
            else:
                climbed = rungs(study.trial_folder(trial))
                rows += [{"study": study.name, "trial": trial} | row | climbed for row in _rows(space, record)]
                origins.append(record.origin)
    there = read(path, space) if path.exists() else None
    if not rows and there is None:
        raise InputError("no trial of this space", where=", ".join(str(study.folder) for study in studies))
    frame = merged(pd.DataFrame(rows), None if there is None else there.rows.drop(columns="draw"))
    frame.insert(4, "draw", draws(frame, space))
    about = About(
        space=space.name,
        space_hash=space.space_hash,
        trials=len(frame.drop_duplicates(TRIAL)),
        code_versions=_also(there and there.about.code_versions, {origin.code_version for origin in origins}),
        torch=_also(there and there.about.torch, {origin.libraries.get("torch", "unknown") for origin in origins}),
        devices=_also(there and there.about.devices, {origin.device for origin in origins}),
        left_out=left_out,
    )
    text = about.model_dump_json() + "\n" + printed(frame)
    write_named(path, gzip.compress(text.encode(), mtime=0), "--out")
    return read(path, space)


def merged(new: pd.DataFrame, old: pd.DataFrame | None) -> pd.DataFrame:
    """Both, with the digits that a file keeps; what is in both as the new one has it."""
    if old is None or new.empty:
        return pd.read_csv(io.StringIO(printed(new if old is None else old)))
    known = pd.MultiIndex.from_frame(new[TRIAL])
    kept = old[~pd.MultiIndex.from_frame(old[TRIAL]).isin(known)]
    both = pd.concat([pd.read_csv(io.StringIO(printed(new))), kept])
    return both.sort_values([*TRIAL, "point"], ignore_index=True)


def draws(frame: pd.DataFrame, space: Space) -> pd.Series[int]:
    """Which point of the space a row's trial is of: trials with equal parameters are of one."""
    domains = {name: domain for method in space.method_names for name, domain in space.parameters(method).items()}
    asked = [METHOD, *(known for name, domain in domains.items() if (known := parameter(name, domain).name) in frame)]
    first = frame[frame.role == "asked"].drop_duplicates(TRIAL)
    numbers = first.groupby(asked, sort=False, dropna=False).ngroup()
    by_trial = dict(zip(first[TRIAL].itertuples(index=False, name=None), numbers, strict=True))
    return frame[TRIAL].apply(lambda row: by_trial[tuple(row)], axis=1)


def printed(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def recorded(path: Path, space: Space, study: str) -> frozenset[int]:
    """The trials of a study that a table holds; none where there is no table."""
    rows = read(path, space).rows if path.exists() else None
    return frozenset() if rows is None else frozenset(rows[rows.study == study].trial.tolist())


def read(path: Path, space: Space) -> Table:
    """Raises InputError for what is no such file, and for one of another question."""
    try:
        head, _, body = gzip.decompress(path.read_bytes()).decode().partition("\n")
        about = About.model_validate_json(head)
        table = Table(about, pd.read_csv(io.StringIO(body)), digest(body))
    except ValidationError as error:
        raise InputError(f"not a recorded table ({first_problem(error)})", where=str(path)) from None
    except (gzip.BadGzipFile, zlib.error, EOFError, ValueError) as error:
        raise InputError(f"not a recorded table ({error})", where=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), fix="record it first") from None
    if about.space_hash != space.space_hash:
        raise InputError(
            "recorded for another question",
            where=str(path),
            expected=f"space {space.space_hash}",
            got=about.space_hash,
            fix="record it anew",
        )
    return table


def asks(space: Space, spec: TrialSpec) -> bool:
    """Whether the space could have asked this: the same parts, and every knob equal or within its domain. Knobs that
    are younger than the record have their defaults, which change nothing."""
    if spec.method not in space.methods or remembered(space, spec, spec.relu_budget) is None:
        return False
    parts = ("data", "network", "teacher", "measure", "passes")
    if any(getattr(spec, part) != getattr(space, part) for part in parts):
        return False
    finetune, knobs = spec.finetune.model_dump(), knobs_of(spec).model_dump()
    return _within(space.finetune, finetune) and _within(space.methods[spec.method], knobs)


def _also(old: Sequence[str] | None, new: set[str]) -> tuple[str, ...]:
    return tuple(sorted(new.union(old or ())))


def _within(asked: dict[str, Value], given: dict[str, Any]) -> bool:
    return all(isinstance(value, Domain) or value == given[key] for key, value in asked.items())


def rungs(trial: Path) -> dict[str, float]:
    """What the trial's rung files hold, by column."""
    found: dict[str, float] = {}
    for level in LEVELS:
        if (rung := rung_of(trial, level)) is not None:
            measured = {name: getattr(rung, name) for name in RUNG}
            found |= {f"rung{level}_{name}": value for name, value in measured.items() if value is not None}
    return found


def _rows(space: Space, record: TrialRecord) -> Iterator[dict[str, Any]]:
    """A row a point; one without accuracies for a trial that is not complete."""
    common = {"seed": record.spec.seed, "state": record.state}
    seconds = {f"s_{stage}": value for stage, value in record.origin.wall_s.items()}
    if record.state != "complete":
        known = remembered(space, record.spec, record.spec.relu_budget)
        assert known is not None
        yield {"point": 0, "role": "asked", **common, **known[0], **seconds}
        return
    for index, point in enumerate(record.points):
        known = remembered(space, record.spec, point.relu_budget)
        asked = known[0] if known else {METHOD: record.spec.method}
        scores = {
            f"{split}_{name}": getattr(getattr(point, split), name).value
            for split in ("validation", "test")
            for name in ACCURACIES
        }
        about = {"point": index, "role": point.role}
        yield about | common | asked | {"relu_count": point.relu_count} | scores | seconds
