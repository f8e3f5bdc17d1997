"""ReLU layers: how many sites may keep any ReLU, and which. All others become linear before a method begins.

Under a protocol whose layers wait for their rounds a site that keeps one ReLU costs as many rounds as one that keeps
all. The least sensitive sites are closed first: the teacher is made linear site by site, each time where its loss on
training images rises least (`culling`), an order that depends on no budget and is measured once for all trials. The
choice is ours, after DeepReDuce, which drops stages; no paper has this knob for its method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from frontier.nn.sites import Site
from frontier.training.context import Context
from frontier.training.culling import cull, images_of_a_pass, total
from frontier.training.task import Task, Tensors

STAGE = "relu_layers"
IMAGES = 2000  # that a loss is measured on, as far as all losses together are one pass over the data
AT_LEAST = 200  # but so many, or all that there are: the loss of a few would order nothing


def limited(task: Task, layers: int) -> tuple[Task, tuple[str, ...]]:
    """The task with all but `layers` of its sites closed, and what a reader of the record must know.

    As many as the network has, or more, change and cost nothing. Where no choice of so few sites can hold the budget,
    it becomes what the largest of them hold.
    """
    sites = task.all_sites()
    if layers >= len(sites):
        return task, ()
    left = chosen(order_of_removal(task), layers, task.relu_budget)
    closed = frozenset(site.path for site in sites) - {site.path for site in left}
    task.context.log(f"{STAGE}: open are {', '.join(site.path for site in sites if site.path not in closed)}")
    holds = sum(site.relus for site in left)
    if holds >= task.relu_budget:
        return replace(task, closed=closed), ()
    note = f"relu_layers: no {layers} of {len(sites)} sites hold the budget of {task.relu_budget}; it became {holds}"
    return replace(task, closed=closed, relu_budget=holds), (note,)


def order_of_removal(task: Task) -> tuple[Site, ...]:
    """All sites, the least sensitive first; measured at the first call, cached for all trials."""
    sites = task.all_sites()
    images = min(max(AT_LEAST, min(IMAGES, images_of_a_pass(task, len(sites)))), len(task.train))

    def measure(context: Context) -> Tensors:
        culled = cull(replace(task, context=context), [(site,) for site in sites], total([sites]), images, STAGE)
        paths = [site.path for site in sites]
        return {"order": torch.tensor([paths.index(site.path) for (site,) in (*culled.dropped, *culled.left)])}

    return tuple(sites[index] for index in task.cached(STAGE, {"images": images}, measure)["order"].tolist())


def chosen(order: Sequence[Site], layers: int, budget: int) -> tuple[Site, ...]:
    """The `layers` sites that are left of `order` when its first ones are dropped, in this order.

    A site without which no choice of so many could hold the budget is passed over; where even the largest cannot, they
    are the ones.
    """
    left = list(order)
    wanted = min(budget, largest_hold(left, layers))
    for site in order:
        rest = [other for other in left if other is not site]
        if len(left) > layers and largest_hold(rest, layers) >= wanted:
            left = rest
    return tuple(left)


def largest_hold(sites: Sequence[Site], layers: int) -> int:
    """The ReLUs of the `layers` largest."""
    return sum(sorted((site.relus for site in sites), reverse=True)[:layers])
