"""Evidence: how good the model of a table is, every search over it and every live one, in one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from landscape import Fit
from pydantic import ValidationError
from table import TABLES

from frontier.errors import InputError
from frontier.files import write_named
from frontier.frozen import Frozen, first_problem

LISTS = ("runs", "live")  # one line an element


class Run(Frozen):
    """One simulated search. Element N-1 of `exact` is the hypervolume of its first N finished trials without noise, of
    `observed` that of the values that the sampler was told. `ask_s`: seconds of wall time for each trial's question."""

    sampler: str
    seed: int
    concurrency: int
    exact: tuple[float, ...]
    observed: tuple[float, ...]
    ask_s: tuple[float, ...]


class Live(Frozen):
    """One search that trained. `observed` as in Run, of its records on validation in the order in which they ended."""

    sampler: str
    seed: int
    observed: tuple[float, ...]
    failed: int
    code_version: str


class Evidence(Frozen):
    """All of it. `table` is the digest of the recorded table that was modelled; `dense` the hypervolume, without noise,
    of `dense_trials` random trials: 100 %."""

    format: Literal["frontier-samplers-evidence"] = "frontier-samplers-evidence"
    version: Literal[1] = 1
    space: str
    space_hash: str
    table: str
    recorded: int
    pairs: int
    fits: tuple[Fit, ...]
    batches: tuple[tuple[int, float, float], ...]  # see simulation.batches
    dense: float
    dense_trials: int
    code_version: str
    machine: str
    runs: tuple[Run, ...] = ()
    live: tuple[Live, ...] = ()

    def of(self, sampler: str, concurrency: int) -> tuple[Run, ...]:
        """Its simulated searches, by seed."""
        mine = (run for run in self.runs if (run.sampler, run.concurrency) == (sampler, concurrency))
        return tuple(sorted(mine, key=lambda run: run.seed))


def place_of(space: str) -> Path:
    """The committed evidence of a space."""
    return TABLES / f"{space}.json"


def read(path: Path) -> Evidence:
    """Raises InputError for what is no such file."""
    try:
        return Evidence.model_validate_json(path.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        why = first_problem(error)
    raise InputError(f"not the evidence of this benchmark ({why})", where=str(path), fix="simulate first")


def add(path: Path, change: Callable[[Evidence], Evidence]) -> Evidence:
    """Change what the file holds, whole or not at all; processes that do so at once wait for each other."""
    with FileLock(path.with_name(f".{path.name}.lock")):
        changed = change(read(path))
        write(changed, path)
    return changed


def with_run(found: Evidence, run: Run) -> Evidence:
    """One more simulated search, in place of an equal one."""
    key = (run.sampler, run.seed, run.concurrency)
    others = [one for one in found.runs if (one.sampler, one.seed, one.concurrency) != key]
    ordered = sorted([*others, run], key=lambda one: (one.concurrency, one.sampler, one.seed))
    return found.model_copy(update={"runs": tuple(ordered)})


def with_live(found: Evidence, runs: Sequence[Live]) -> Evidence:
    """More live searches, in place of those of the same sampler and seed."""
    known = {(one.sampler, one.seed): one for one in (*found.live, *runs)}
    return found.model_copy(update={"live": tuple(known[key] for key in sorted(known))})


def write(evidence: Evidence, path: Path) -> None:
    """Whole or not at all."""
    whole: dict[str, Any] = evidence.model_dump(mode="json")
    parts = [json.dumps({name: value for name, value in whole.items() if name not in LISTS}, indent=1)[:-2]]
    for name in LISTS:
        lines = ",\n".join("  " + json.dumps(one, separators=(",", ":")) for one in whole[name])
        parts.append(f' "{name}": [\n{lines}\n ]' if lines else f' "{name}": []')
    write_named(path, ",\n".join(parts) + "\n}\n", "--out")
