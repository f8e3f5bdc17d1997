"""Fisher: the ReLUs whose removal is estimated to change the loss most, from one pass over the data.

Removing a ReLU adds min(z, 0) to its output y, so to first order a loss L changes by dL/dy min(z, 0). Its mean square
over images is the diagonal of the empirical Fisher information along that change (as Fisher pruning ranks channels:
Theis, Korshunova, Tejani and Huszar, arXiv:1801.05787, 2018). The largest over all layers together stay.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from pydantic import Field
from torch import Tensor, nn

from frontier.nn.network import Classifier
from frontier.nn.surgery import gates
from frontier.training.batches import Images, to_unit
from frontier.training.finetune import Finetuning, finetune
from frontier.training.freeze import freeze
from frontier.training.observe import BATCH, first
from frontier.training.select import largest
from frontier.training.task import Candidate, Linearized, Task, gated

FIDELITY = "baseline"
PAPER = "after Theis, Korshunova, Tejani, Huszar, Faster gaze prediction with dense networks and Fisher pruning, 2018"
DEVIATIONS = (
    "The paper prunes channels one after another while it trains; this ranks single ReLUs once, on the teacher.",
)


class Knobs(Finetuning):
    """And the training images whose gradients are squared (None: all)."""

    score_images: int | None = Field(default=None, gt=0)


def passes(knobs: Knobs) -> float:
    """One forward and backward over the images, at most all of them."""
    return 3.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Score every position on the teacher, keep the largest over all layers, freeze, finetune."""
    student = gated(task, task.teacher)
    found = scores(task, student, first(task.train, knobs.score_images))
    mask = largest({path: score.cpu().numpy() for path, score in found.items()}, task.relu_budget)
    freeze(task, student, mask, knobs)
    finetune(task, student, knobs)
    return Linearized((Candidate(student, task.relu_budget),))


def scores(task: Task, model: Classifier, images: Images) -> dict[str, Tensor]:
    """E[(dL/dy min(z, 0))^2] (C, H, W) by site path, L being the cross-entropy of one image, in eval mode."""
    found = {path: gate for path, gate in gates(model.body).items() if path not in task.closed}
    summed = {
        path: torch.zeros(gate.shape, dtype=torch.float64, device=task.context.device) for path, gate in found.items()
    }
    model.eval()
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    handles = [gate.register_forward_hook(_keep(seen, path)) for path, gate in found.items()]
    try:
        for at in range(0, len(images), BATCH):
            task.context.check()
            pixels = to_unit(images.pixels[at : at + BATCH]).requires_grad_()
            loss = nn.functional.cross_entropy(model(pixels), images.labels[at : at + BATCH], reduction="sum")
            slopes = torch.autograd.grad(loss, [seen[path][1] for path in found])
            for path, slope in zip(found, slopes, strict=True):
                summed[path] += (slope * seen[path][0].clamp(max=0)).square().sum(dim=0, dtype=torch.float64)
    finally:
        for handle in handles:
            handle.remove()
    task.context.spend("score", 3 * len(images) / len(task.train))
    return {path: total / len(images) for path, total in summed.items()}


def _keep(seen: dict[str, tuple[Tensor, Tensor]], path: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    """A hook that remembers a gate's input, outside the graph, and its output."""

    def hook(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        seen[path] = (args[0].detach(), output)

    return hook
