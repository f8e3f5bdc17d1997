"""SNL: Selective Network Linearization (Cho, Joshi, Reagen, Garg, Hegde; ICML 2022), pixel-wise.

Every activation becomes x - a*min(x, 0) with a learnable a that starts at 1 (a ReLU) and is pushed to 0 (the
identity) by an L1 penalty whose weight lambda grows when the ReLU count stalls; the first epoch whose count
#{a > threshold} meets the budget ends the search. Then masks are made binary, frozen, and the network is
finetuned by distillation. The schedule is the one of the authors' code, snl_finetune_unstructured.py in
NYU-DICE-Lab/selective_network_linearization (commit eac688c); its defaults are the defaults here.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from frontier.errors import TrialFailed
from frontier.masks.mask import Mask
from frontier.nn.gates import SoftGate
from frontier.nn.network import Classifier
from frontier.nn.surgery import gates
from frontier.results.spec import Recipe
from frontier.training.finetune import Finetuning, finetune
from frontier.training.fit import fit
from frontier.training.forward import forward_of, no_grad, wants_compile
from frontier.training.freeze import freeze
from frontier.training.losses import Weights, imitation, step_passes
from frontier.training.select import largest
from frontier.training.snapshots import Budgets, counts_of, finetuned, keep_passed
from frontier.training.task import Candidate, Linearized, Task, gated
from frontier.training.trajectory import Course, SearchSeed, seed_of, shared

FIDELITY = "authors_code"
PAPER = "Cho et al., Selective Network Linearization for Efficient Private Inference, ICML 2022"
DEVIATIONS = (
    "No gradient flows into the teacher; the authors' mask phase also back-propagates through it, without effect.",
    "Frozen masks are not in the optimizer; under PyTorch < 2.0 the authors' drift from 1 to 0.906 by weight decay.",
    "The cosine of the finetuning rate moves every step; the authors' every epoch, through the same values.",
    "If the epochs run out, the largest masks are kept (and a note) or the trial fails; the authors' code overshoots.",
    "Knobs mask_lr, max_epochs and exact exist to scale the schedule down; at their defaults they change nothing.",
    "Knobs surrogate, ce_weight, attention_weight, snapshots, search_seed, relu_layers: ours; off by default.",
    "The last epoch counts, or the best on validation (checkpoint); the authors take the best on the test set.",
)


STAGE = "search"
# knobs that the states of a search depend on, beside those in its recipe
SEARCHING = {"penalty", "growth", "patience_epochs", "mask_lr", "threshold", "distill_weight", "temperature"}


class Knobs(Finetuning):
    """Defaults are the authors' scripts' (ResNet18, CIFAR-100); temperature and distill_weight serve both phases."""

    penalty: float = Field(default=1e-5, gt=0)  # lambda_0, times the raw sum of |a|
    growth: float = Field(default=1.1, gt=1)
    patience_epochs: int = Field(default=5, ge=0)  # lambda never changes before this epoch (0-based)
    max_epochs: int = Field(default=2000, gt=0)
    lr: float = Field(default=1e-3, gt=0)  # Adam, weights and masks
    mask_lr: float | None = Field(default=None, gt=0)  # of the masks alone; None: the same
    batch: int = Field(default=128, gt=0)
    threshold: float = Field(default=1e-2, ge=0)
    exact: bool = False  # at the stop keep the budget's largest masks, not just those above the threshold
    on_exhaustion: Literal["repair", "error"] = "repair"
    snapshots: Budgets = ()  # budgets to be kept on the way down, each finetuned as a point of its own
    search_seed: SearchSeed = None  # of the mask search alone: trials with the same one share it


def passes(knobs: Knobs) -> float:
    """Network passes of the mask search per training image, at most (forward 1, forward and backward 3)."""
    return step_passes(taught=bool(knobs.distill_weight)) * knobs.max_epochs


def ends_early(knobs: Knobs) -> bool:
    """The search ends with the first epoch whose count meets the budget."""
    return True


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Search the mask, freeze it, finetune; the same for every snapshot."""
    student = gated(task, task.teacher, SoftGate.at)
    budgets = counts_of(knobs.snapshots, sum(site.relus for site in task.all_sites()))
    search(task, student, knobs, budgets)
    asked = copy.deepcopy(student)
    mask, notes = binarise(asked, task.relu_budget, knobs)
    freeze(task, asked, mask, knobs)
    finetune(task, asked, knobs)
    extras, remarks = finetuned(task, student, budgets, lambda model, b: binarise(model, b, knobs)[0], knobs, "snl")
    return Linearized((Candidate(asked, task.relu_budget), *extras), (*notes, *remarks))


def search(task: Task, student: Classifier, knobs: Knobs, snapshots: Sequence[int] = ()) -> None:
    """Lines 4-9 of Algorithm 1: train weights and masks until the count meets the budget or epochs run out."""
    soft = soft_gates(student)
    masks = [soft_gate.alpha for soft_gate in soft.values()]
    mask_ids = {id(mask) for mask in masks}
    others = [p for p in student.parameters() if p.requires_grad and id(p) not in mask_ids]
    recipe = task.recipe(
        epochs=knobs.max_epochs,
        optimizer="adam",
        lr=knobs.lr,
        schedule="constant",
        batch=knobs.batch,
    )
    device = task.context.device
    forward = forward_of(student, recipe, device, compiled=wants_compile(recipe, device, task.context.log))
    teacher = no_grad(forward_of(task.teacher, recipe, device, compiled=False))
    weights = Weights(1.0, knobs.distill_weight, 0.0, knobs.temperature)
    state = {"penalty": knobs.penalty, "lowest": float(positions(masks)), "count": float(positions(masks))}

    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        taught = (teacher(pixels), ()) if knobs.distill_weight else None
        return imitation((forward(pixels), ()), taught, labels, weights) + state["penalty"] * magnitude(masks)

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        state["count"] = count(masks, knobs.threshold)
        keep_passed(task, student, snapshots, int(state["count"]), epoch)
        state["penalty"], state["lowest"] = next_penalty(
            state["penalty"], state["lowest"], state["count"], epoch, knobs.growth, knobs.patience_epochs
        )
        return state["count"] <= task.relu_budget

    groups: list[dict[str, Any]] = [{"params": others}, {"params": masks, "lr": knobs.mask_lr or knobs.lr}]
    with shared(task, course(task, knobs, recipe, snapshots)) as passed:
        fit(
            task.context, STAGE, student, task.train, recipe, loss,
            seed=seed_of(task, knobs.search_seed), groups=groups, state=state, after_epoch=after_epoch,
            passes=step_passes(taught=bool(knobs.distill_weight)), passed=passed,
        )  # fmt: skip


def course(task: Task, knobs: Knobs, recipe: Recipe, snapshots: Sequence[int]) -> Course:
    """The search as others may share it: at a constant rate it depends neither on the budget nor on how many epochs it
    may take, and it ends with the first that meets the budget."""
    return Course(
        stage=STAGE,
        seed=knobs.search_seed,
        key={
            "method": "snl",
            "recipe": recipe.model_dump(mode="json", exclude={"epochs"}),
            "knobs": knobs.model_dump(mode="json", include=SEARCHING),
        },
        budget=task.relu_budget,
        others=tuple(budget for budget in snapshots if budget > task.relu_budget),
        epochs=knobs.max_epochs,
        ends=True,
    )


def soft_gates(student: Classifier) -> dict[str, SoftGate]:
    return {path: found for path, found in gates(student.body).items() if isinstance(found, SoftGate)}


def positions(masks: Sequence[Tensor]) -> int:
    return sum(mask.numel() for mask in masks)


def magnitude(masks: Sequence[Tensor]) -> Tensor:
    """The raw sum of |a| over all masks: 491,520 for a fresh ResNet18 at 32 px."""
    return torch.stack([mask.abs().sum() for mask in masks]).sum()


def count(masks: Sequence[Tensor], threshold: float) -> int:
    """#{a > threshold}, strictly; an a below zero is off, one above 1 counts once."""
    return sum(int((mask.detach() > threshold).sum()) for mask in masks)


def next_penalty(
    penalty: float, lowest: float, count: float, epoch: int, growth: float, patience_epochs: int
) -> tuple[float, float]:
    """(lambda, lowest count so far) after an epoch: a new low is remembered, a stall from `patience_epochs` on
    multiplies lambda by `growth`."""
    if count < lowest:
        return penalty, count
    return (penalty * growth if epoch >= patience_epochs else penalty), lowest


def binarise(student: Classifier, relu_budget: int, knobs: Knobs) -> tuple[Mask, tuple[str, ...]]:
    """Lines 11-12: the binary mask, never over budget, and a note where it needed a repair."""
    scores = {path: soft.alpha.detach().float().cpu().numpy() for path, soft in soft_gates(student).items()}
    above = Mask.of({path: score > knobs.threshold for path, score in scores.items()})
    if above.count <= relu_budget:
        return (largest(scores, relu_budget) if knobs.exact else above), ()
    if knobs.on_exhaustion == "error":
        raise TrialFailed(
            f"snl: after {knobs.max_epochs} epochs {above.count} ReLUs are left, the budget is {relu_budget}"
        )
    note = f"snl: {knobs.max_epochs} epochs ended at {above.count} ReLUs; the {relu_budget} largest masks were kept"
    return largest(scores, relu_budget), (note,)
