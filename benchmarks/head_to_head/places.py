"""Places alone: the masks that contenders have found, trained anew exactly as their control's random masks were.

A contender pays for its search out of the passes that everybody gets, and hands back weights that the search has moved.
Here its mask is free: teacher, mask, then all passes of finetuning. So `places - control` is what the places are worth,
and `contender - places` is what the search cost, or brought beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compare import ACCURACIES, Difference, Found, score_on_test
from plan import HERE, Contender, Job, Plan

from frontier import registry
from frontier.errors import InputError
from frontier.results.spec import TrialSpec
from frontier.results.store import Study
from frontier.training.finetune import Finetuning

PARTS = HERE / "parts"  # a plug-in: the method `given`
METHOD = "given"


@dataclass(frozen=True)
class Places:
    """The trials of a plan with their masks given. A trial has the number of the one whose mask it has."""

    plan: Plan
    main: Study

    def jobs(self, jobs: Iterable[Job], names: Sequence[str]) -> list[Job]:
        """Those of these contenders whose trials have ended. Raises InputError for one without such a control."""
        for name in names:
            if self._control(self.plan[name]) is None:
                raise InputError(f"{name}: its control is no random mask", where="--places", fix="leave it out")
        return [job for job in jobs if job.contender.name in names and self.main.finished(job.trial)]

    def spec(self, job: Job, chosen: Mapping[str, int]) -> TrialSpec:
        """The control's trial at the job's budget and seed, but for the mask."""
        control = self._control(job.contender)
        assert control is not None
        theirs = self.plan.spec(Job(-1, control, chosen[control.name], job.relu_budget, job.seed), chosen)
        finetuning = {key: value for key, value in theirs.knobs.items() if key in Finetuning.model_fields}
        mask = self.main.trial_folder(job.trial) / "mask.safetensors"
        return theirs.model_copy(update={"method": METHOD, "knobs": {**finetuning, "mask": str(mask)}})

    def _control(self, one: Contender) -> Contender | None:
        control = None if one.control is None else self.plan[one.control]
        return control if control is not None and control.method == "random" else None


def plug_in() -> None:
    """Make the method `given` known to this process; those that it starts inherit it."""
    registry.plug_in(Path(PARTS))


def table(plan: Plan, jobs: Sequence[Job], found: Found, placed: Found) -> Iterable[str]:
    """By contender and budget, on test, paired over seeds: what the places are worth; what the search did beside."""
    head = f"{'places - control, clean':26} {'contender - places, clean':26} the same two, adversarial"
    yield f"{'contender':22} {'budget':>6} seeds  {head}"
    numbers = {(job.contender.name, job.relu_budget, job.seed): job.trial for job in jobs}
    for budget in plan.budgets:
        for one in plan.contenders:
            mine = {job.seed: job.trial for job in jobs if job.contender == one and job.relu_budget == budget}
            seeds = sorted(seed for seed, trial in mine.items() if trial in placed)
            if not seeds or one.control is None:
                continue
            worth: dict[str, list[float]] = {name: [] for name in ACCURACIES}
            rest: dict[str, list[float]] = {name: [] for name in ACCURACIES}
            for seed in seeds:
                control = found[numbers[one.control, budget, seed]]
                for name in ACCURACIES:
                    there = score_on_test(placed[mine[seed]], name)
                    worth[name].append(there - score_on_test(control, name))
                    rest[name].append(score_on_test(found[mine[seed]], name) - there)
            parts = [f"{Difference.of(values['clean'])!s:26}" for values in (worth, rest)]
            attacked = f"{Difference.of(worth['adversarial'])!s}; {Difference.of(rest['adversarial'])!s}"
            yield f"{one.name:22} {budget:6} {len(seeds):5}  {' '.join(parts)} {attacked}"
