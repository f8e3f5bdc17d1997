"""SENet: masks from ReLU sensitivity and activation differences (Kundu, Lu, Zhang, Liu, Beerel; ICLR 2023).

1. Each layer's ReLU sensitivity, from one sparse copy of the network (`training.sensitivity`), and the budget shared
   among the layers in proportion to it. 2. Mask search: a student with part of the ReLUs imitates the teacher, which
   has all; after each epoch every layer keeps the k positions whose activations differed most from the teacher's over
   that epoch (`training.differences`). 3. Finetuning with the mask frozen by CE + KL + PRAM, the attention loss. With
   `half_width` SENet++: the leading half of the channels is trained along and handed back as a second network.

Stages 2 and 3 follow the code of RLNet, which contains SENet's (sreetamasarkar/rlnet, commit afbf3aa,
train_student_stage1_multigpu.py, train_student_stage2_multigpu.py, helper/loops.py); the rule for the budget is the
one that the density lists published there follow. The defaults are that code's, for CIFAR.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from frontier.errors import TrialFailed
from frontier.masks.mask import Mask
from frontier.nn.network import Classifier
from frontier.nn.profile import profile
from frontier.nn.sites import sites_of
from frontier.nn.stages import stage_outputs
from frontier.nn.surgery import mask_of
from frontier.nn.taps import Tapped
from frontier.nn.widths import Sliced, freeze_as, halved, leading, settle, shared, widths_of
from frontier.results.spec import NetworkSpec, Recipe
from frontier.training.batches import generator
from frontier.training.checkpoint import Checkpoint, chosen, looks
from frontier.training.differences import Differences, assign, hamming, random_tied
from frontier.training.finetune import STAGE, Finetuning, epochs_of, finetune, steps_left, weights_of
from frontier.training.fit import AfterEpoch, fit
from frontier.training.forward import forward_of, no_grad, wants_compile
from frontier.training.freeze import freeze
from frontier.training.losses import Weights, imitation
from frontier.training.sensitivity import Proxy, shares
from frontier.training.task import Candidate, Linearized, Task, gated, with_closed

FIDELITY = "authors_code"
PAPER = "Kundu et al., Learning to Linearize Deep Neural Networks for Secure and Efficient Private Inference, ICLR 2023"
DEVIATIONS = (
    "Stage 1 is reconstructed: its rule is inferred from the density lists that the authors published.",
    "ReLUs a layer follow the sensitivities at every budget; the authors' lists for 50k and 82k ReLUs are set by hand.",
    "ReLUs a layer are whole by Sainte-Lague's divisors, and add up to the budget; the authors cut fractions off.",
    "The sparse copy is made by gradual global magnitude pruning, not sparse momentum: all stage 1 needs is densities.",
    "Top-k keeps exactly k, ties by position, and budget 0 works; the authors' strict comparison keeps k - 1 or fewer.",
    "Residuals are the network's own; the authors' student lacks the identities among them, which its teacher has.",
    "The last epoch of stage 2 enters stage 3; the authors' best one is chosen on the test set, which no method sees.",
    "The channel-wise score is the sum over positions (the paper's is unknown); one channel is kept in part: exact k.",
    "half_width: both widths take every step, with the sum of their losses; the paper's schedule is not known.",
    "half_width: the wide network alone chooses the mask, the narrow one has its leading channels, as the code counts.",
    "Knobs start, granularity, nhd_threshold, half_width, relu_layers are ours; at their defaults they change nothing.",
)


class Knobs(Finetuning, Proxy):
    """Defaults are the authors' for CIFAR; `temperature` serves both phases, the finetuning's rate is the recipe's
    (theirs: 240 epochs, SGD 0.01, x0.1 at 150, 180 and 210)."""

    ce_weight: float = Field(default=0.1, ge=0)
    distill_weight: float = Field(default=0.5, ge=0)  # ImageNet: 0.9
    attention_weight: float = Field(default=1000.0, ge=0)  # for 32 px: PRAM grows as maps shrink, 8 px need far less
    start: Literal["scratch", "teacher"] = "scratch"  # the student's weights in the mask search
    granularity: Literal["pixel", "channel"] = "pixel"
    mask_epochs: int = Field(default=150, gt=0)
    mask_lr: float = Field(default=0.05, gt=0)  # SGD, momentum 0.9, constant: the code would decay only after its end
    mask_weight_decay: float = Field(default=5e-4, ge=0)
    mask_batch: int = Field(default=128, gt=0)
    mask_ce_weight: float = Field(default=0.5, ge=0)
    mask_distill_weight: float = Field(default=0.5, ge=0)
    nhd_threshold: float = Field(default=0.0, ge=0)  # the search ends when an epoch changes less than that; 0: never
    half_width: bool = False  # SENet++: a second network of half the channels, from the same weights


def passes(knobs: Knobs) -> float:
    """Network passes of the mask search per training image, at most: the student forward and backward, the teacher
    forward, and the narrow student, which costs less than another one."""
    return knobs.mask_epochs * (7.0 if knobs.half_width else 4.0)


def ends_early(knobs: Knobs) -> bool:
    """The search ends with an epoch that hardly changes the mask."""
    return knobs.nhd_threshold > 0


def check(network: NetworkSpec, knobs: Knobs) -> None:
    """Raises InputError for `half_width` where the network has none."""
    if knobs.half_width:
        halved(widths_of(network.name, network.options))


def finetune_passes(knobs: Knobs) -> float:
    """Per image of a finetuning step, at most."""
    return 7.0 if knobs.half_width else 4.0


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Share the budget among the layers, search the mask, freeze it, finetune. Raises InputError for `half_width`
    where the network has none."""
    narrow = gated(task, task.fresh(task.seed, halved(task.widths))) if knobs.half_width else None
    counts = shares(task, knobs, task.relu_budget)
    student = gated(task, task.fresh(task.seed, {}) if knobs.start == "scratch" else task.teacher)
    if narrow is not None:
        for name in shared(narrow, student):
            narrow.get_parameter(name).requires_grad_(False)
    search(task, student, narrow, counts, knobs)
    freeze(task, student, mask_of(student.body), knobs)
    asked = Candidate(student, task.relu_budget)
    if narrow is None:
        finetune(task, student, knobs)
        return Linearized((asked,))
    freeze_as(narrow.body, student.body, sites_of(narrow.body, task.image))
    finetune_both(task, student, narrow, knobs)
    settle(narrow, student)
    options = {**task.options, **halved(task.widths)}
    count = mask_of(narrow.body).count
    return Linearized((asked, Candidate(narrow, count, role="extra", label="width 0.5", options=options)))


def search(task: Task, student: Classifier, narrow: Classifier | None, counts: dict[str, int], knobs: Knobs) -> None:
    """Stage 2: train the student, and after each epoch move its masks, and the narrow network's, to where it differed
    from the teacher. At the end the gates hold the masks of the last epoch."""
    sites = task.sites()
    differences = Differences(sites).to(task.context.device)
    put(task, student, narrow, with_closed(task, random_tied(sites, counts, generator(task.seed))))

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        mask = with_closed(task, differences.mask(counts, channels=knobs.granularity == "channel"))
        state["nhd"] = hamming(mask_of(student.body), mask)
        put(task, student, narrow, mask)
        differences.clear()
        return state["nhd"] < knobs.nhd_threshold

    recipe = task.recipe(
        epochs=knobs.mask_epochs,
        lr=knobs.mask_lr,
        weight_decay=knobs.mask_weight_decay,
        schedule="constant",
        batch=knobs.mask_batch,
    )
    weights = Weights(knobs.mask_ce_weight, knobs.mask_distill_weight, 0.0, knobs.temperature, recipe.label_smoothing)
    paths = tuple(site.path for site in sites)
    imitate(task, "search", student, narrow, recipe, weights, paths, differences=differences, after_epoch=after_epoch)


def finetune_both(task: Task, student: Classifier, narrow: Classifier, knobs: Knobs) -> None:
    """Stage 3 for two widths: what `finetune` does for one, with the sum of both losses. Raises TrialFailed if a mask
    did not stay what it was."""
    before = [mask_of(model.body) for model in (student, narrow)]
    for mask in before:
        task.context.log(f"{STAGE}: {mask.count} ReLUs, mask {mask.hash}")
    weights, paths = weights_of(knobs, task.finetune), stage_outputs(task.all_sites())
    imitate(task, STAGE, student, narrow, task.finetune, weights, paths, checkpoint=knobs.checkpoint)
    if [mask_of(model.body) for model in (student, narrow)] != before:
        raise TrialFailed(f"{STAGE}: a mask changed while it was frozen")


def imitate(
    task: Task,
    stage: str,
    student: Classifier,
    narrow: Classifier | None,
    recipe: Recipe,
    weights: Weights,
    paths: Sequence[str],
    *,
    differences: Differences | None = None,
    after_epoch: AfterEpoch | None = None,
    checkpoint: Checkpoint = "last",
) -> None:
    """Train the student, and the narrow network by the same weights, to imitate the teacher. Attention and
    `differences` look at the sites `paths`. A step costs 4 passes (student forward and backward, teacher forward) and 3
    of the narrow network, each counted as its share of the student's MACs."""
    context, image = task.context, task.image
    compiled = wants_compile(recipe, context.device, context.log)
    modules = {"student": student, "narrow": narrow, "differences": differences}
    trained = nn.ModuleDict({name: module for name, module in modules.items() if module is not None})
    passes = 4.0 + looks(task, checkpoint)
    if narrow is not None:
        passes += 3.0 * profile(narrow.body, image).macs / profile(student.body, image).macs
    with contextlib.ExitStack() as taps:
        inside = [f"body.{path}" for path in paths]
        wide = taps.enter_context(Tapped(student, inside))
        networks: list[nn.Module] = [wide]
        if narrow is not None:
            networks.append(Sliced(taps.enter_context(Tapped(narrow, inside)), wide))
        see = [forward_of(network, recipe, context.device, compiled=compiled) for network in networks]
        guide = taps.enter_context(Tapped(gated(task, task.teacher), inside))
        shown = no_grad(forward_of(guide, recipe, context.device, compiled=False))

        def loss(pixels: Tensor, labels: Tensor) -> Tensor:
            model = shown(pixels)
            said = [forward(pixels) for forward in see]
            if differences is not None:  # the masks are chosen by the wide network
                differences.add(said[0][1], model[1])
            return torch.stack([imitation(one, model, labels, weights) for one in said]).sum()

        steps = steps_left(task, task.train, recipe.batch, passes) if stage == STAGE else None
        epochs = epochs_of(task, recipe, steps)
        with chosen(task, stage, trained, checkpoint, epochs, lambda: student) as after_look:  # at full width
            fit(
                context, stage, trained, task.train, recipe, loss,
                seed=task.seed, after_epoch=after_epoch or after_look, passes=passes, steps=steps,
            )  # fmt: skip


def put(task: Task, student: Classifier, narrow: Classifier | None, mask: Mask) -> None:
    """Put the mask into the student's gates, and its leading channels into the narrow network's."""
    assign(student.body, mask)
    if narrow is not None:
        assign(narrow.body, leading(mask, sites_of(narrow.body, task.image)))
