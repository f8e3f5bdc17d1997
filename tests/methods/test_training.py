"""A trial that is killed after any epoch and goes on ends as one that never was: same networks, notes and passes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from method_task import SMALL_KNOBS, same, state

from frontier import registry
from frontier.errors import Cancelled
from frontier.training.context import Context
from frontier.training.task import Linearized, Task

KILLS = 4  # of a run, spread over its epochs

TRIALS: dict[str, tuple[str, dict[str, Any]]] = {
    "snl": ("snl", {"penalty": 0.01, "growth": 1.5, "patience_epochs": 1, "max_epochs": 40, "mask_lr": 0.05,
                    "batch": 32, "exact": True, "snapshots": ("75%", 90)}),
    "snl on validation": ("snl", SMALL_KNOBS["snl"] | {"checkpoint": "validation"}),
    "autorep": ("autorep", {"epochs": 9, "lr": 3e-3, "score_lr": 0.05, "batch": 32, "warmup_steps": 20,
                            "snapshots": ("80%", "60%")}),
    "senet": ("senet", {"mask_epochs": 3, "mask_batch": 32, "proxy_epochs": 2}),
    "senet, both widths": ("senet", {"mask_epochs": 3, "mask_batch": 32, "proxy_epochs": 2, "half_width": True}),
    "rlnet": ("rlnet", {"epochs": 3, "batch": 32, "attack_steps": 1, "proxy_epochs": 1, "teacher_epochs": 1}),
    "rlnet, random masks": ("rlnet", {"epochs": 2, "batch": 32, "attack_steps": 1, "masks": "random",
                                      "teacher_epochs": 1}),
    "streamlinet": ("streamlinet", {"epochs": 6, "mask_lr": 0.05, "penalty": 0.02, "batch": 32, "w_sensitivity": 0}),
}  # fmt: skip
EXTRAS = {"snl": 2, "autorep": 2, "senet, both widths": 1}


class Attempt:
    """A run of a trial in a process of its own: nothing is left of earlier ones but their checkpoints."""

    def __init__(self, task: Task, folder: Path, every_s: float, killed_at: int | None = None) -> None:
        self.checks = 0
        self.killed_at = killed_at
        self.context = Context(
            device=torch.device("cpu"), checkpoints=folder, check=self.check, checkpoint_every_s=every_s
        )
        self.task = replace(task, context=self.context)

    def check(self) -> None:
        self.checks += 1
        if self.checks == self.killed_at:
            raise Cancelled("killed")

    def run(self, name: str) -> Linearized:
        method, knobs = TRIALS[name]
        module = registry.load("method", method)
        found: Linearized = module.linearize(self.task, module.Knobs(**knobs))
        return found


def told(found: Linearized) -> list[object]:
    return [found.notes, *((one.role, one.relu_budget, one.label, one.branch) for one in found.candidates)]


def networks(found: Linearized) -> list[dict[str, torch.Tensor]]:
    return [state(model) for one in found.candidates for model in (one.model, *one.others.values())]


@pytest.mark.parametrize(("name", "every_s"), [*((name, 0.0) for name in TRIALS), ("snl", 1e9), ("rlnet", 1e9)])
def test_a_killed_trial_goes_on_as_if_it_had_not_been(task: Task, tmp_path: Path, name: str, every_s: float) -> None:
    task = replace(task, widths={"width": 2})
    whole = Attempt(task, tmp_path / "whole", every_s)
    expected = whole.run(name)
    assert len(expected.candidates) == 1 + EXTRAS.get(name, 0)
    assert whole.checks >= 5
    for killed_at in range(1, whole.checks + 1, max(1, whole.checks // KILLS)):
        folder = tmp_path / f"killed-{killed_at}"
        with pytest.raises(Cancelled):
            Attempt(task, folder, every_s, killed_at).run(name)
        rest = Attempt(task, folder, every_s)
        found = rest.run(name)
        assert told(found) == told(expected)
        assert all(same(a, b) for a, b in zip(networks(found), networks(expected), strict=True))
        assert rest.context.passes == whole.context.passes
        if every_s == 0.0 and killed_at > 1:
            assert rest.checks < whole.checks  # what was trained is not trained again


def test_a_trial_that_is_killed_again_and_again_ends_all_the_same(task: Task, tmp_path: Path) -> None:
    expected = Attempt(task, tmp_path / "whole", 0.0).run("snl")
    for _ in range(200):
        attempt = Attempt(task, tmp_path / "parts", 0.0, killed_at=1)
        try:
            found = attempt.run("snl")
        except Cancelled:
            continue
        break
    assert all(same(a, b) for a, b in zip(networks(found), networks(expected), strict=True))
    assert attempt.checks == 0
