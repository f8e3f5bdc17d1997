"""The baselines choose what they say they choose."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from method_task import RELUS
from torch import nn

from frontier.methods import deepreduce, fisher, random, uniform
from frontier.nn.surgery import gates, mask_of
from frontier.training.batches import to_unit
from frontier.training.observe import first, gate_inputs, mean_over
from frontier.training.task import Linearized, Task, gated


def anew(task: Task, name: object, **changes: Any) -> Task:
    """The task with checkpoints of its own, so that nothing is resumed."""
    context = replace(task.context, checkpoints=task.context.checkpoints / str(name), passes={})
    return replace(task, context=context, **changes)


def kept(linearized: Linearized) -> dict[str, int]:
    return dict(mask_of(linearized.candidates[0].model.body).counts)


@pytest.mark.parametrize("method", [random, uniform, fisher, deepreduce])
@pytest.mark.parametrize("budget", [0, 1, 40, RELUS])
def test_the_budget_is_met_exactly(task: Task, method: object, budget: int) -> None:
    found = method.linearize(replace(task, relu_budget=budget), method.Knobs())  # type: ignore[attr-defined]
    assert sum(kept(found).values()) == budget


def test_random_masks_differ_by_seed_and_by_nothing_else(task: Task) -> None:
    masks = []
    for seed, surrogate in ((0, "identity"), (0, "degree2"), (1, "identity")):
        found = random.linearize(anew(task, f"{seed}{surrogate}", seed=seed), random.Knobs(surrogate=surrogate))
        masks.append(mask_of(found.candidates[0].model.body))
    assert masks[0] == masks[1] != masks[2]


def test_uniform_keeps_the_dearest_of_every_layer(task: Task) -> None:
    found = uniform.linearize(replace(task, relu_budget=RELUS // 4), uniform.Knobs())
    mask = mask_of(found.candidates[0].model.body)
    assert {mask.counts[path] / mask.bits(path).size for path in mask.counts} == {0.25}
    inputs = gate_inputs(task, gated(task, task.teacher), task.train, "score")
    for path, price in mean_over(inputs, lambda z: (z.relu() - z).abs()).items():
        bits = torch.tensor(mask.bits(path))
        assert price[bits].min() >= price[~bits].max()


def test_a_fisher_score_is_the_mean_square_of_the_loss_change_of_each_image(task: Task) -> None:
    model, images = gated(task, task.teacher), first(task.train, 7)
    found = fisher.scores(task, model, images)
    path, site = next(iter(gates(model.body).items()))
    position = (0, 2, 3)
    seen: dict[str, torch.Tensor] = {}

    def watch(module: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        seen["z"] = args[0].detach()
        seen["y"] = output.detach().requires_grad_()
        return seen["y"]

    expected = 0.0
    handle = site.register_forward_hook(watch)
    for index in range(len(images)):
        loss = nn.functional.cross_entropy(
            model(to_unit(images.pixels[index : index + 1])), images.labels[index : index + 1]
        )
        (gradient,) = torch.autograd.grad(loss, seen["y"])
        expected += float(gradient[0][position] * seen["z"][0][position].clamp(max=0)) ** 2 / len(images)
    handle.remove()
    assert float(found[path][position]) == pytest.approx(expected, rel=1e-4, abs=1e-15)


def test_deepreduce_drops_stages_then_layers_then_channels(task: Task) -> None:
    sites = task.sites()
    for budget in (RELUS - 1, RELUS // 2, 5):
        found = deepreduce.linearize(anew(task, budget, relu_budget=budget), deepreduce.Knobs())
        mask = mask_of(found.candidates[0].model.body)
        for site in sites:
            by_channel = mask.bits(site.path).reshape(site.shape[0], -1).mean(axis=1)
            assert np.count_nonzero((by_channel > 0) & (by_channel < 1)) <= 1
    assert sum(count > 0 for count in mask.counts.values()) == 1  # five ReLUs need one stage alone


def test_what_scoring_costs_is_charged(task: Task) -> None:
    for method, cost in ((random, {}), (uniform, {"score": 1.0}), (fisher, {"score": 3.0})):
        fresh = anew(task, method.__name__)
        method.linearize(fresh, method.Knobs())
        spent = {stage: passes for stage, passes in fresh.context.passes.items() if stage != "finetune"}
        assert spent == cost
