"""Finetuning a network whose masks are frozen, by distillation from its teacher; shared by all methods."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

from pydantic import Field
from torch import Tensor

from frontier.errors import TrialFailed
from frontier.frozen import Frozen
from frontier.nn.network import Classifier
from frontier.nn.stages import stage_outputs
from frontier.nn.surgery import mask_of
from frontier.nn.surrogates import Surrogate
from frontier.nn.taps import Tapped
from frontier.results.spec import Recipe
from frontier.training.batches import Images, steps_per_epoch
from frontier.training.checkpoint import Checkpoint, chosen, looks
from frontier.training.fit import fit
from frontier.training.forward import forward_of, no_grad, wants_compile
from frontier.training.losses import Weights, imitation, step_passes
from frontier.training.task import Task, gated

STAGE = "finetune"


class Finetuning(Frozen):
    """The knobs that every method has. Finetuning: ce_weight CE + distill_weight KD_T + attention_weight AT.

    `surrogate` is what stands where no ReLU is left; the defaults are SNL's finetuning.
    """

    surrogate: Surrogate = "identity"
    # share of the fitted curvature that a quadratic starts with: AutoReP's script for Tiny-ImageNet has 0.2 in effect,
    # that for CIFAR-100 0.01. With all of it deep networks whose ReLUs are nearly all gone were seen to become NaN
    curvature: float = Field(default=0.2, ge=0, le=1)
    ce_weight: float = Field(default=1.0, ge=0)
    distill_weight: float = Field(default=1.0, ge=0)
    temperature: float = Field(default=4.0, gt=0)
    attention_weight: float = Field(default=0.0, ge=0)  # SENet's beta, on the outputs of the stages
    checkpoint: Checkpoint = "last"  # which epoch of the finetuning is handed back
    # sites that may keep any ReLU; the trial closes the others before the method begins. None: all
    relu_layers: int | None = Field(default=None, ge=1)


def finetune(task: Task, model: Classifier, knobs: Finetuning, *, stage: str = STAGE) -> None:
    """Train the weights of `model`, whose gates are frozen, in place: by the task's finetune recipe, or for as many
    steps as the task's passes still allow. Raises TrialFailed if the mask did not stay what it was."""
    recipe, device = task.finetune, task.context.device
    paths = [f"body.{path}" for path in stage_outputs(task.all_sites())] if knobs.attention_weight else []
    compiled = wants_compile(recipe, device, task.context.log)
    guide = gated(task, task.teacher) if paths else task.teacher
    taught = bool(knobs.distill_weight or paths)
    weights = weights_of(knobs, recipe)
    with mask_held(task, model, stage), Tapped(model, paths) as student, Tapped(guide, paths) as teacher:
        see = forward_of(student, recipe, device, compiled=compiled)
        shown = no_grad(forward_of(teacher, recipe, device, compiled=False))

        def loss(pixels: Tensor, labels: Tensor) -> Tensor:
            return imitation(see(pixels), shown(pixels) if taught else None, labels, weights)

        passes = step_passes(taught=taught) + looks(task, knobs.checkpoint)
        steps = steps_left(task, task.train, recipe.batch, passes)
        epochs = epochs_of(task, recipe, steps)
        with chosen(task, stage, model, knobs.checkpoint, epochs, lambda: model) as after_epoch:
            fit(
                task.context, stage, model, task.train, recipe, loss,
                seed=task.seed, passes=passes, steps=steps, after_epoch=after_epoch,
            )  # fmt: skip


def weights_of(knobs: Finetuning, recipe: Recipe) -> Weights:
    """Of the finetuning's loss."""
    return Weights(
        knobs.ce_weight, knobs.distill_weight, knobs.attention_weight, knobs.temperature, recipe.label_smoothing
    )


@contextlib.contextmanager
def mask_held(task: Task, model: Classifier, stage: str) -> Iterator[None]:
    """Around training with frozen gates: logs the mask, and raises TrialFailed if it did not stay what it was."""
    mask = mask_of(model.body)
    task.context.log(f"{stage}: {mask.count} ReLUs, mask {mask.hash}")
    yield
    if mask_of(model.body) != mask:
        raise TrialFailed(f"{stage}: the mask changed while it was frozen")


def epochs_of(task: Task, recipe: Recipe, steps: int | None) -> int:
    """How many epochs `fit` will begin."""
    return recipe.epochs if steps is None else -(-steps // steps_per_epoch(len(task.train), recipe.batch))


def steps_left(task: Task, images: Images, batch: int, passes: float) -> int | None:
    """How many steps of `batch` images at `passes` each the task's total still allows; None where it has no total.

    What other stages of finetuning took does not count: each point of a trial gets the same.
    """
    if task.passes is None:
        return None
    spent = sum(cost for stage, cost in task.context.passes.items() if not stage.startswith(STAGE))
    if spent > task.passes:
        raise TrialFailed(
            f"the search took {spent:.2f} network passes per image, more than the {task.passes:g} of the trial; "
            "raise `passes`, or let the search have fewer epochs"
        )
    steps = math.floor((task.passes - spent) * len(images) / batch / passes)
    if not steps:
        raise TrialFailed(f"{task.passes:g} network passes per image leave no step of finetuning; raise `passes`")
    return steps
