"""Trajectories: a mask search passes many budgets on its way down, and trials that differ in their budget walk it once.

Two searches with one recipe and one seed are the same, bit for bit, for as long as neither has met its own budget. So
the states that a search passes are kept under the hash of all that it depends on but the budget and what comes after,
and another trial goes on from the nearest one above its budget. Where the search ends at the first epoch that meets
the budget (SNL), a trial whose budget was met at a kept epoch begins with its finetuning; where it goes on (AutoReP),
what came before the budget was met is shared. Nothing is approximated: the record says what was reused (`origin`) and
is otherwise that of a trial that walked all the way, the passes that it is charged for included.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field

from frontier.files import sweep, write_atomic
from frontier.frozen import canonical_json, digest
from frontier.leases import BEAT_S, POLL_S, Lease, held, waited_for
from frontier.training.fit import Passed
from frontier.training.kept import LEASE, LOWEST, SUFFIX, WALKED, Kept, keep, kept_in, read, walked, write_walked
from frontier.training.snapshots import stage_of
from frontier.training.task import Task
from frontier.training.tensors import Torn

# a knob: trials whose searches have the same seed of their own, and the same recipe, walk one trajectory. None: the
# trial's seed, and nothing is kept, for the trials of a study have seeds of their own
SearchSeed = Annotated[int | None, Field(ge=0)]
FELL = 0.95  # a state is kept where the count has fallen to this share of that of the last one kept
PARTS = 20  # or a twentieth of all epochs later
SOURCES = ("methods", "nn", "training")  # packages whose code decides about a state


def seed_of(task: Task, search_seed: int | None) -> int:
    """The seed of a mask search."""
    return task.seed if search_seed is None else search_seed


@dataclass(frozen=True)
class Course:
    """A search: all that its states depend on (`seed`, `key`), and where it goes. Without a seed of its own none is
    shared.

    `budget` is the asked one, `others` are those of its snapshots above that, `epochs` the most there may be. `ends`:
    whether it ends with the first epoch whose count meets the budget. Its numbers say `lowest`: where it `ends` the
    lowest count at the end of an epoch, else at any step.
    """

    stage: str
    seed: int | None
    key: Mapping[str, Any]
    budget: int
    others: tuple[int, ...]
    epochs: int
    ends: bool

    def at_end(self, one: Kept) -> bool:
        """Whether the search, which has come to this state, is over there."""
        return self.ends and one.lowest <= self.budget


@contextlib.contextmanager
def shared(task: Task, course: Course) -> Iterator[Passed | None]:
    """Around the search: sees to it that it goes on from the nearest kept state, and gives what is to be called after
    each epoch so that others can (None: nothing is to be kept).

    Where another trial is walking the same trajectory and has not come to the budget, this one waits for it. A trial
    with a checkpoint of its own goes on from that, and keeps what it passes unless somebody else does.
    """
    if task.trajectories is None or course.seed is None:
        yield None
        return
    folder = _folder(task, course)
    tell = functools.partial(_tell, task, course, folder)
    own = task.context.load(_note(course))
    if own is not None:
        task.context.reused[course.stage] = own["from"]
    told, pause_s = "", POLL_S
    while not task.context.has(course.stage):
        if _begin(task, course, folder, end=True):
            break
        with held(folder, LEASE, tell) as lease:
            if lease is not None:
                _begin(task, course, folder)
                yield _keeper(task, course, folder, lease)
                return
        if _passed_by(course, folder):
            _begin(task, course, folder)
            yield None
            return
        told = waited_for(folder, LEASE, told, tell)
        task.context.check()
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, BEAT_S)
    with held(folder, LEASE, tell) as lease:
        yield None if lease is None else _keeper(task, course, folder, lease)


def nearest(kept: Sequence[Kept], course: Course) -> tuple[Kept | None, dict[int, Kept]]:
    """The state to go on from (None: the beginning), and those that are the very end of a search to a budget wanted."""
    usable = [one for one in kept if one.epochs <= course.epochs]
    wanted = (course.budget, *course.others)
    ends = {budget: one for budget in wanted for one in usable if course.ends and one.before > budget >= one.lowest}
    missing = [budget for budget in wanted if budget not in ends]
    if not missing:
        return ends[course.budget], ends
    above = [one for one in usable if one.lowest > max(missing)]
    return max(above, key=lambda one: one.epochs, default=None), ends


def _folder(task: Task, course: Course) -> Path:
    assert task.trajectories is not None
    recipe = {
        "seed": course.seed,
        "search": dict(course.key),
        "of": dict(task.trajectories.of),
        "closed": sorted(task.closed),
        "device": _device(task.context.device),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "code": _code(),
    }
    folder = task.trajectories.folder / digest(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "recipe.json").is_file():
        write_atomic(folder / "recipe.json", canonical_json(recipe) + "\n")
    return folder


def _device(device: torch.device) -> str:
    """What rounds alike."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return f"{device.type} {name}"


@functools.cache
def _code() -> str:
    """Of all files that a state may depend on: after a change of any of them nothing older is gone on from."""
    sha256 = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for path in sorted(path for name in SOURCES for path in (package / name).rglob("*.py")):
        sha256.update(f"{path.relative_to(package)}\n".encode() + path.read_bytes())
    return sha256.hexdigest()[:16]


def _tell(task: Task, course: Course, folder: Path, line: str) -> None:
    task.context.log(f"{course.stage} {folder.name}: {line}")


def _note(course: Course) -> str:
    """The checkpoint that says what was reused, for a trial that is killed later and goes on."""
    return f"{course.stage}-reused"


def _begin(task: Task, course: Course, folder: Path, *, end: bool = False) -> bool:
    """Make the nearest state the trial's own checkpoint; whether there was one. One that is torn is left out.

    `end`: only where the search is over at that state.
    """
    while True:
        start, ends = nearest(kept_in(folder), course)
        if start is None or (end and not course.at_end(start)):
            return False
        try:
            passed = {budget: read(one, task.context.device) for budget, one in ends.items() if budget != course.budget}
            state = read(start, task.context.device)
        except FileNotFoundError:  # freed meanwhile
            continue
        except Torn as torn:
            _tell(task, course, folder, f"a state is not whole ({torn}) and is deleted")
            continue
        for budget, found in passed.items():
            _save(task, stage_of(budget), {"model": found["model"], "epochs": found["epochs"]})
        task.context.reused[course.stage] = f"{folder.name} to epoch {start.epochs}"
        _save(task, _note(course), {"from": task.context.reused[course.stage]})
        _save(task, course.stage, state | {"stopped": course.at_end(start)})
        _tell(task, course, folder, f"taken as far as epoch {start.epochs}, whose lowest count was {start.lowest}")
        return True


def _save(task: Task, stage: str, state: dict[str, Any]) -> None:
    task.context.save(stage, lambda: state, final=True)


def _passed_by(course: Course, folder: Path) -> bool:
    """Whether nothing that is still being walked could be of use: it is beyond what is missing here."""
    far = walked(folder)
    if far is None:
        return False
    epochs, lowest = far
    _, ends = nearest(kept_in(folder), course)
    missing = [budget for budget in (course.budget, *course.others) if budget not in ends]
    return epochs >= course.epochs or lowest <= max(missing, default=-1)


def _keeper(task: Task, course: Course, folder: Path, lease: Lease) -> Passed:
    """Keeps what the search passes, while the lease is held here."""
    assert task.trajectories is not None
    limit_bytes = task.trajectories.limit_bytes
    start = task.context.load(course.stage)
    everything = sum(site.relus for site in task.all_sites()) + 1  # above every budget
    for name in (f"*{SUFFIX}", WALKED):
        sweep(folder, f"{name}.*")
    before = everything if start is None else int(start["state"][LOWEST])  # lowest as of the epoch before
    last: tuple[int, int] | None = None  # epochs and lowest of the state kept last

    def passed(epochs: int, numbers: dict[str, float], state: Callable[[], dict[str, Any]]) -> None:
        nonlocal last, before
        if lease.is_lost():
            return
        lowest = int(numbers[LOWEST])
        if not course.ends and lowest <= course.budget:
            lease.release()  # what follows depends on the budget
            return
        due = last is None or lowest <= FELL * last[1] or epochs - last[0] >= max(1, course.epochs // PARTS)
        if due or epochs == course.epochs or (course.ends and lowest <= course.budget):
            tell = functools.partial(_tell, task, course, folder)
            keep(folder, epochs, before, lowest, state(), limit_bytes, tell)
            last = epochs, lowest
        before = lowest
        write_walked(folder, epochs, lowest)

    return passed
