"""DeepReDuce-like: drop the ReLUs of whole stages, then of every other layer, then of channels.

After DeepReDuce (Jha, Ghodsi, Garg and Reagen, ICML 2021), which culls the ReLUs of the least critical stages, thins
what is left by leaving out alternate layers, and scales channels down. Here the network keeps its width: what the
paper gets by fewer channels is got by keeping the ReLUs of fewer channels, so that any budget is met exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from frontier.masks.mask import Mask
from frontier.nn.sites import Site
from frontier.nn.stages import stages
from frontier.training.allocation import whole
from frontier.training.culling import Group, cull, images_of_a_pass, total
from frontier.training.finetune import Finetuning, finetune
from frontier.training.freeze import freeze
from frontier.training.task import Candidate, Linearized, Task, gated

FIDELITY = "baseline"
PAPER = "after Jha, Ghodsi, Garg, Reagen, DeepReDuce: ReLU Reduction for Fast Private Inference, ICML 2021"
DEVIATIONS = (
    "A stage's criticality is the rise of the training loss without its ReLUs; the paper trains a network a stage.",
    "The network keeps its width and depth, so that methods differ in their masks alone; the paper narrows it.",
    "Stages are sites of equal height and width, which is defined for every network.",
)


class Knobs(Finetuning):
    """And the training images that the loss of a stage's removal is measured on."""

    score_images: int = Field(default=2000, gt=0)  # for each stage, as far as all together are one pass over the data


def passes(knobs: Knobs) -> float:
    """At most: fewer images are shown where there are many stages."""
    return 1.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Choose the sites, keep whole channels of them, freeze, finetune."""
    student = gated(task, task.teacher)
    kept = thinned(culled(task, knobs.score_images), task.relu_budget)
    freeze(task, student, by_channel(task.sites(), kept, task.relu_budget), knobs)
    finetune(task, student, knobs)
    return Linearized((Candidate(student, task.relu_budget),))


def culled(task: Task, images: int) -> tuple[Group, ...]:
    """The stages left when the least critical one is dropped again and again, as long as the budget allows it."""
    groups = stages(task.sites())
    images = min(images, images_of_a_pass(task, len(groups)))
    return cull(task, groups, total(groups) - task.relu_budget, images, "score").left


def thinned(left: Sequence[Group], budget: int) -> list[Site]:
    """The sites of the stages, without every second one of a stage where the budget is met even so; the last of a
    stage stays. The stages with most ReLUs are thinned first."""
    kept = [list(stage) for stage in left]
    for i in sorted(range(len(kept)), key=lambda i: -sum(site.relus for site in kept[i])):
        sparse = kept[i][::-1][::2][::-1]
        if total(kept) - sum(site.relus for site in kept[i]) + sum(site.relus for site in sparse) >= budget:
            kept[i] = sparse
    return [site for stage in kept for site in stage]


def by_channel(sites: Sequence[Site], kept: Sequence[Site], budget: int) -> Mask:
    """Whole channels of the `kept` sites, the same share of each, the last channel of a site in part."""
    sizes = [site.relus for site in kept]
    counts = dict(zip((site.path for site in kept), whole(sizes, sizes, budget), strict=True))
    return Mask.of({site.path: _leading(site, counts.get(site.path, 0)) for site in sites})


def _leading(site: Site, count: int) -> NDArray[np.bool_]:
    """Positions in the order of channels, the first `count` of them kept."""
    flat = np.zeros(site.relus, np.bool_)
    flat[:count] = True
    return flat.reshape(site.shape)
