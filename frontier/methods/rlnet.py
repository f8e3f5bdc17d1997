"""RLNet (Sarkar, Kundu, Beerel; CVPR Workshops 2024): few ReLUs for clean, corrupted and attacked images.

One set of weights and masks, two sets of batch norms: `clean` normalises clean images and their AugMix views,
`adversarial` attacked ones. A robust all-ReLU teacher is trained three ways (clean, AugMix, PGD-7); under its soft
labels of clean images the student searches SENet's mask on clean images, and is finetuned with attention transfer.
Losses, schedules and defaults are those of the authors' code, sreetamasarkar/rlnet (commit afbf3aa,
helper/loops_robust.py and helper/attack.py), in its mode `rslad+attn+augattn+ce`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from frontier.nn.branches import branched, served, use
from frontier.nn.network import Classifier
from frontier.nn.stages import stage_outputs
from frontier.nn.surgery import mask_of
from frontier.nn.taps import Tapped
from frontier.results.spec import Recipe
from frontier.training.adversary import perturb
from frontier.training.batches import generator
from frontier.training.checkpoint import chosen, looks
from frontier.training.context import Context
from frontier.training.differences import Differences, assign, hamming, random_tied
from frontier.training.finetune import STAGE, Finetuning, epochs_of, mask_held, steps_left
from frontier.training.fit import fit
from frontier.training.forward import forward_of, no_grad, wants_compile
from frontier.training.freeze import freeze
from frontier.training.losses import attention_transfer, cross_entropy, distillation
from frontier.training.select import largest
from frontier.training.sensitivity import Proxy, shares
from frontier.training.task import Candidate, Linearized, Task, Tensors, gated, with_closed
from frontier.training.views import Rates, Views

FIDELITY = "authors_code"
PAPER = "Sarkar et al., RLNet: Robust Linearized Networks for Efficient Private Inference, CVPR Workshops 2024"
DEVIATIONS = (
    "The student keeps its identity residuals; the authors' student lacks them, while their teacher has them.",
    "Masks are an exact top-k; the authors' strict comparison keeps one fewer, and more so with ties.",
    "ReLUs a layer follow the sensitivities at every budget; the authors' lists for 50k and 82k ReLUs are set by hand.",
    "ReLUs a layer are whole by Sainte-Lague's divisors, and add up to the budget; the authors cut fractions off.",
    "The sparse proxy behind the sensitivities is pruned by gradual magnitude, the authors' by sparse momentum.",
    "A stage ends with its last epoch (finetuning: see checkpoint); the authors take the best on the test set.",
    "The teacher has two norms at its shortcuts as well; the authors' teacher shares those, their student does not.",
    "One branch serves all images, and the attacker knows it; the authors send attacked ones through the other.",
    "The teacher has the task's teacher recipe and the finetuning the task's; the authors' are SGD for 240 epochs.",
    "An odd batch gives its middle image to the clean half, and a batch under four has no attacked half.",
    "AugMix images are mixed before normalisation, which comes to the same; the authors have no JSD loss either.",
    "Steps of the attack with a NaN gradient stay where they are.",
    "start, masks, teacher_*, served, surrogate, attack_* scale down or compare; at their defaults they are theirs.",
    "The knob relu_layers is ours; at its default it changes nothing.",
)

CLEAN, ADVERSARIAL = "clean", "adversarial"
BRANCHES = (CLEAN, ADVERSARIAL)
TEACHER = "rlnet-teacher"
TEACHER_SEED = 0  # one robust teacher for all trials, whatever their seeds
SEARCH = "search"


class Knobs(Finetuning, Proxy):
    """Defaults are the authors'. The weights and the temperature serve the mask search and the finetuning, the
    attention weight the finetuning alone."""

    ce_weight: float = Field(default=0.5, ge=0)  # gamma
    distill_weight: float = Field(default=0.5, ge=0)  # alpha
    attention_weight: float = Field(default=1000.0, ge=0)  # beta
    epochs: int = Field(default=150, gt=0)  # of the mask search, as the four that follow
    lr: float = Field(default=0.05, gt=0)  # SGD, constant: their milestones lie beyond the search's end
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=5e-4, ge=0)
    batch: int = Field(default=128, gt=0)
    start: Literal["scratch", "teacher"] = "scratch"  # of the student; teacher: the robust one
    # random: not a searched mask but one drawn from all masks of the budget, as method `random` draws it, and the
    # same training otherwise: the control
    masks: Literal["senet", "random"] = "senet"
    attack_eps_255: float = Field(default=8.0, ge=0)  # L-infinity, in units of 1/255
    attack_step_255: float = Field(default=2.0, gt=0)
    attack_steps: int = Field(default=7, gt=0)
    teacher_epochs: int | None = Field(default=None, gt=0)  # None: as many as the task's teacher has; authors: 240
    teacher_start: Literal["scratch", "teacher"] = "scratch"  # teacher: the task's teacher, already trained on clean
    # the authors print both; what is deployed meets attackers, and the clean norms were never trained on an attack
    served: Literal["clean", "adversarial"] = "adversarial"


def passes(knobs: Knobs) -> float:
    """Network passes of the mask search per training image, and of the surrogates' fit where there are any."""
    return passes_per_step(knobs, attention=False) * knobs.epochs + (knobs.surrogate != "identity")


def passes_per_step(knobs: Knobs, *, attention: bool) -> float:
    """Per image of a batch: the three views of its halves, the teacher on all that is clean, and for attention
    transfer on the AugMix half as well."""
    return passes_of_views(knobs) + 1.0 + 0.5 * attention


def passes_of_views(knobs: Knobs) -> float:
    """Half of a batch is trained on twice (clean, AugMix), the other half attacked and trained on once."""
    attack = 3.0 * knobs.attack_steps if knobs.attack_eps_255 else 0.0
    return 0.5 * (3 + 3 + attack + 3)


def finetune_passes(knobs: Knobs) -> float:
    """Per image of a finetuning step."""
    return passes_per_step(knobs, attention=bool(knobs.attention_weight))


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Robust teacher, mask search, finetuning; handed back with the norms of the served branch, the other beside it."""
    teacher = robust_teacher(task, knobs)
    guide = served(teacher, CLEAN).eval()
    student = branched(gated(task, task.fresh(task.seed, {})), BRANCHES)
    if knobs.start == "teacher":
        student.load_state_dict(student.state_dict() | teacher.state_dict())
    search(task, student, guide, knobs)
    freeze(replace(task, teacher=guide), student, mask_of(student.body), knobs)
    consolidate(task, student, guide, knobs)
    networks = {branch: served(student, branch) for branch in BRANCHES}
    deployed = networks.pop(knobs.served)
    return Linearized((Candidate(deployed, task.relu_budget, branch=knobs.served, others=networks),))


def robust_teacher(task: Task, knobs: Knobs) -> Classifier:
    """The all-ReLU network with both branches, in eval mode; trained at the first call, cached for all trials.

    L = (CE_clean + CE_augmix + CE_adversarial) / 3, the attack climbing the cross-entropy."""
    recipe = task.teacher_recipe.model_copy(update={"epochs": knobs.teacher_epochs or task.teacher_recipe.epochs})
    attack = {name: getattr(knobs, name) for name in ("attack_eps_255", "attack_step_255", "attack_steps")}
    key = {"epochs": recipe.epochs, "start": knobs.teacher_start, "seed": TEACHER_SEED, **attack}
    plain = task.teacher if knobs.teacher_start == "teacher" else task.fresh(TEACHER_SEED, {})
    teacher = branched(plain, BRANCHES)
    found = dict(task.cached(TEACHER, key, lambda context: train_teacher(task, teacher, recipe, knobs, context)))
    rates = {branch: float(found.pop(f"right.{branch}")) for branch in BRANCHES}
    task.context.log(
        f"{TEACHER}: in its last epoch {rates[CLEAN]:.1%} of the clean and {rates[ADVERSARIAL]:.1%} of the attacked "
        "training images were right, each through its own branch"
    )
    teacher.load_state_dict(found)
    return teacher.eval()


def train_teacher(task: Task, start: Classifier, recipe: Recipe, knobs: Knobs, context: Context) -> Tensors:
    """Its state, and the shares of clean and attacked training images that it had right in the last epoch."""
    model = copy.deepcopy(start)
    forward = forward_of(model, recipe, context.device, compiled=wants_compile(recipe, context.device, context.log))
    rates = Rates()
    state = dict.fromkeys(BRANCHES, 0.0)

    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        views = Views.of(pixels, labels, recipe, TEACHER_SEED)

        def harm(images: Tensor) -> Tensor:
            return cross_entropy(forward(images), views.labels[2]) * len(images)

        attacked = attack(model, views, harm, knobs)
        use(model, CLEAN)
        logits = [forward(views.clean), forward(views.augmented)]
        use(model, ADVERSARIAL)
        logits += [forward(attacked)] if len(attacked) else []
        rates.add(logits, views.labels)
        return mean([cross_entropy(z, y, recipe.label_smoothing) for z, y in zip(logits, views.labels, strict=False)])

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        state.update(rates.taken())
        return False

    plain = recipe.model_copy(update={"augment": "none"})
    fit(
        context, "teacher", model, task.train, plain, loss,
        seed=TEACHER_SEED, state=state, after_epoch=after_epoch, passes=passes_of_views(knobs),
    )  # fmt: skip
    return {**model.state_dict(), **{f"right.{branch}": torch.tensor(state[branch]) for branch in BRANCHES}}


def search(task: Task, student: Classifier, guide: Classifier, knobs: Knobs) -> None:
    """Train the student; after every epoch its mask becomes the positions of each site where student and teacher
    differed most on clean images. With random masks it stays the first."""
    recipe = task.recipe(
        epochs=knobs.epochs,
        lr=knobs.lr,
        momentum=knobs.momentum,
        weight_decay=knobs.weight_decay,
        schedule="constant",
        batch=knobs.batch,
    )
    sites, dice = task.sites(), generator(task.seed)
    if knobs.masks == "random":
        drawn = {site.path: torch.rand(site.shape, generator=dice).numpy() for site in sites}
        assign(student.body, with_closed(task, largest(drawn, task.relu_budget)))
        train(task, SEARCH, student, guide, recipe, knobs, passes=passes_per_step(knobs, attention=False))
        return
    counts = shares(task, knobs, task.relu_budget)
    assign(student.body, with_closed(task, random_tied(sites, counts, dice)))
    differences = Differences(sites).to(task.context.device)

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        before, found = mask_of(student.body), with_closed(task, differences.mask(counts))
        state["hamming"] = hamming(before, found)
        assign(student.body, found)
        differences.clear()
        return False

    train(
        task, SEARCH, student, guide, recipe, knobs,
        differences=differences, after_epoch=after_epoch, passes=passes_per_step(knobs, attention=False),
    )  # fmt: skip


def consolidate(task: Task, student: Classifier, guide: Classifier, knobs: Knobs) -> None:
    """Finetune with the frozen mask, by the task's recipe or for as long as the task's passes last."""
    attention, recipe = bool(knobs.attention_weight), task.finetune
    each = passes_per_step(knobs, attention=attention) + looks(task, knobs.checkpoint)
    steps = steps_left(task, task.train, recipe.batch, each)

    def serve() -> Classifier:
        use(student, knobs.served)
        return student

    choosing = chosen(task, STAGE, student, knobs.checkpoint, epochs_of(task, recipe, steps), serve)
    with mask_held(task, student, STAGE), choosing as after_epoch:
        train(
            task, STAGE, student, guide, recipe, knobs,
            attention=attention, passes=each, steps=steps, after_epoch=after_epoch,
        )  # fmt: skip


def train(
    task: Task,
    stage: str,
    student: Classifier,
    guide: Classifier,
    recipe: Recipe,
    knobs: Knobs,
    *,
    passes: float,
    differences: Differences | None = None,
    attention: bool = False,
    steps: int | None = None,
    after_epoch: Callable[[int, dict[str, float]], bool] | None = None,
) -> None:
    """gamma mean CE + alpha mean KL over the views, with `attention` + beta (AT_clean + AT_augmix) / 2 at the outputs
    of the stages. `differences` sees the clean half, through the clean branch."""
    context = task.context
    inside = stage_outputs(task.all_sites()) if attention else differences.paths if differences is not None else ()
    paths = [f"body.{path}" for path in inside]
    compiled = wants_compile(recipe, context.device, context.log)
    rates = Rates()
    with Tapped(student, paths) as tapped, Tapped(gated(task, guide), paths) as shown:
        see = forward_of(tapped, recipe, context.device, compiled=compiled)
        show = no_grad(forward_of(shown, recipe, context.device, compiled=False))

        def loss(pixels: Tensor, labels: Tensor) -> Tensor:
            views = Views.of(pixels, labels, recipe, task.seed)
            half = len(views.clean)
            target, maps = show(torch.cat([views.clean, views.other]))
            targets = (target[:half], target[:half], target[half:])  # of clean images, whatever the student sees

            def harm(images: Tensor) -> Tensor:
                return distillation(see(images)[0], target[half:], knobs.temperature) * len(images)

            attacked = attack(student, views, harm, knobs)
            use(student, CLEAN)
            logits, own_maps = see(views.clean)
            augmented, augmented_maps = see(views.augmented)
            use(student, ADVERSARIAL)
            said = [logits, augmented, *([see(attacked)[0]] if len(attacked) else [])]
            clean_maps = [found[:half] for found in maps]
            if differences is not None:
                differences.add(own_maps, clean_maps)
            rates.add(said, views.labels)
            value = objective(said, targets, views.labels, knobs, recipe.label_smoothing)
            if attention:
                clean_distance = attention_transfer(own_maps, clean_maps)
                augmented_distance = attention_transfer(augmented_maps, show(views.augmented)[1])
                value = value + knobs.attention_weight * (clean_distance + augmented_distance) / 2
            return value

        def ended(epoch: int, state: dict[str, float]) -> bool:
            state.update(rates.taken())
            return after_epoch is not None and after_epoch(epoch, state)

        whole = nn.ModuleList([student, *([differences] if differences is not None else [])])
        fit(
            context, stage, whole, task.train, recipe.model_copy(update={"augment": "none"}), loss,
            seed=task.seed, after_epoch=ended, passes=passes, steps=steps,
        )  # fmt: skip


def objective(
    logits: Sequence[Tensor], targets: Sequence[Tensor], labels: Sequence[Tensor], knobs: Knobs, smoothing: float = 0.0
) -> Tensor:
    """gamma mean CE + alpha mean KL over the views (clean, AugMix, attacked); a view without images is left out."""
    triples = list(zip(logits, targets, labels, strict=False))
    hard = mean([cross_entropy(z, y, smoothing) for z, _, y in triples])
    soft = mean([distillation(z, t, knobs.temperature) for z, t, _ in triples])
    return knobs.ce_weight * hard + knobs.distill_weight * soft


def attack(model: Classifier, views: Views, harm: Callable[[Tensor], Tensor], knobs: Knobs) -> Tensor:
    """The other half of the batch, moved to where `harm`, a sum over images, is large: through the adversarial
    branch, which stays the active one."""
    use(model, ADVERSARIAL)
    return perturb(
        model, views.other, harm,
        eps=knobs.attack_eps_255 / 255, step_size=knobs.attack_step_255 / 255, steps=knobs.attack_steps,
        dice=views.dice,
    )  # fmt: skip


def mean(values: Sequence[Tensor]) -> Tensor:
    """Of scalars."""
    return torch.stack(list(values)).mean()
