"""Evidence: how good the model of a table is, every search over it and every live one, in one file."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from fitting import Fit
from pydantic import ValidationError
from table import TABLES

from frontier.errors import InputError
from frontier.files import write_named
from frontier.frozen import Frozen, first_problem

LISTS = ("runs", "live")  # one line an element


class Run(Frozen):
    """One simulated search. Element N-1 of `exact` is the hypervolume of its first N finished trials without noise, of
    `observed` that of the values that the sampler was told, of `ended_s` the simulated seconds at which the Nth ended.
    `pruned`: which of them, from 0 on, a pruner stopped. `ask_s`: seconds of wall time for each trial's question."""

    sampler: str
    pruner: str | None = None
    seed: int
    concurrency: int
    exact: tuple[float, ...]
    observed: tuple[float, ...]
    ended_s: tuple[float, ...]
    pruned: tuple[int, ...] = ()
    ask_s: tuple[float, ...]

    @property
    def key(self) -> tuple[str, int, str, int]:
        """Equal for searches of which one is kept; searches are listed in this order."""
        return self.sampler, self.concurrency, self.pruner or "", self.seed

    def by(self, seconds: float) -> int | None:
        """How many trials had ended by then; None where the search was over before."""
        return bisect_right(self.ended_s, seconds) if self.ended_s and self.ended_s[-1] >= seconds else None


class Live(Frozen):
    """One search that trained. `observed` as in Run, of its records on validation in the order in which they ended."""

    sampler: str
    seed: int
    observed: tuple[float, ...]
    failed: int
    code_version: str


class Evidence(Frozen):
    """All of it. `table` is the digest of the recorded table that was modelled; `dense` the hypervolume, without noise,
    of `dense_trials` random trials: 100 %; `random_s` the mean seconds of one of them, that nobody looks at."""

    format: Literal["frontier-samplers-evidence"] = "frontier-samplers-evidence"
    version: Literal[1] = 1
    space: str
    space_hash: str
    table: str
    recorded: int
    pairs: int
    fits: tuple[Fit, ...]
    batches: tuple[tuple[int, float, float], ...]  # see cuts.batches
    pruned_batches: tuple[tuple[int, float, float, float, float], ...] = ()  # see cuts.pruned_batches
    dense: float
    dense_trials: int
    random_s: float
    code_version: str
    machine: str
    runs: tuple[Run, ...] = ()
    live: tuple[Live, ...] = ()

    def of(self, sampler: str, concurrency: int, pruner: str | None = None) -> tuple[Run, ...]:
        """Its simulated searches, by seed."""
        asked = (sampler, concurrency, pruner)
        mine = (run for run in self.runs if (run.sampler, run.concurrency, run.pruner) == asked)
        return tuple(sorted(mine, key=lambda run: run.seed))

    def time_of(self, trials: int, concurrency: int) -> float:
        """Seconds in which so many random trials that nobody looks at are done, on average, so many at once."""
        return trials * self.random_s / concurrency


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
    others = [one for one in found.runs if one.key != run.key]
    return found.model_copy(update={"runs": tuple(sorted([*others, run], key=lambda one: one.key))})


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
