"""Snapshots: the budgets that a search passes on its way down, each frozen and finetuned as a point of its own.

What the search did not come to is read off the network at its end, as a trial of that budget would read it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator

from frontier.masks.mask import Mask
from frontier.nn.network import Classifier
from frontier.nn.surgery import mask_of
from frontier.spaces.budget import PERCENT
from frontier.training.finetune import STAGE, Finetuning, finetune
from frontier.training.freeze import freeze
from frontier.training.task import Candidate, Task, with_closed


def _checked(budget: int | str) -> int | str:
    share = PERCENT.fullmatch(budget) if isinstance(budget, str) else None
    if isinstance(budget, int) and not isinstance(budget, bool) and budget >= 0:
        return budget
    if share is not None and 0 <= Fraction(share[1]) <= 100:
        return budget
    raise ValueError("a snapshot is a count of ReLUs from 0 on, or 0% to 100% of them")


# a knob: counts, or percentages of the network's ReLUs such as "10%", as a space's relu_budget has them
Budgets = tuple[Annotated[int | str, AfterValidator(_checked)], ...]


def counts_of(budgets: Budgets, relus: int) -> tuple[int, ...]:
    """The budgets as counts, falling, each once."""
    shares = (math.floor(Fraction(b.rstrip("% ")) * relus / 100) if isinstance(b, str) else b for b in budgets)
    return tuple(sorted(set(shares), reverse=True))


def keep_passed(task: Task, student: Classifier, budgets: Sequence[int], count: int, epoch: int) -> None:
    """Store the student for every budget that `count` meets and that no earlier epoch met. Call it after each epoch."""
    for budget in budgets:
        if count <= budget and not task.context.has(stage_of(budget)):
            state: Callable[[], dict[str, Any]] = partial(dict, model=student.state_dict(), epochs=epoch + 1)
            task.context.save(stage_of(budget), state, final=True)


def finetuned(
    task: Task,
    student: Classifier,
    budgets: Sequence[int],
    mask_at: Callable[[Classifier, int], Mask],
    knobs: Finetuning,
    method: str,
    *,
    put: Callable[[Classifier, Mask], None] | None = None,
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """A finetuned extra candidate for each budget above the asked one, and notes on those that are missing, or that the
    search did not come to.

    `student` is the network as it was searched, its gates not frozen; `mask_at(student, budget)` reads a mask off it;
    `put(student, mask)` freezes that in place; None: `freeze`, with the knobs' surrogate.
    """
    candidates: list[Candidate] = []
    notes: list[str] = []
    held = sum(site.relus for site in task.sites())
    for budget in budgets:
        if task.closed and budget > held:
            notes.append(f"{method}: snapshot {budget} is more than open sites hold, {held}")
            continue
        if budget <= task.relu_budget:
            notes.append(f"{method}: snapshot {budget} is not above the asked budget")
            continue
        model = copy.deepcopy(student)
        saved = task.context.load(stage_of(budget))
        if saved is not None:
            model.load_state_dict(saved["model"])
        mask = with_closed(task, mask_at(model, budget))
        if candidates and mask == mask_of(candidates[-1].model.body):
            notes.append(f"{method}: snapshot {budget} has the mask of the one above it")
            continue
        if saved is None:
            notes.append(f"{method}: the search did not come to snapshot {budget}; it is of the network at its end")
        if put is None:
            freeze(task, model, mask, knobs)
        else:
            put(model, mask)
        finetune(task, model, knobs, stage=f"{STAGE}-{budget}")
        label = (
            f"snapshot after epoch {saved['epochs']} of the search" if saved else "snapshot at the end of the search"
        )
        candidates.append(Candidate(model, budget, role="extra", label=label))
    return tuple(candidates), tuple(notes)


def stage_of(budget: int) -> str:
    """The checkpoint of a budget that was passed."""
    return f"snapshot-{budget}"
