"""Rungs of a finetuning: at rising shares of it the network is measured, and the study's pruner may stop the trial."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from frontier import registry
from frontier.errors import Pruned
from frontier.nn.network import Classifier
from frontier.nn.surgery import mask_of
from frontier.results.rung import Rung, rung_of, rungs_beside, write_rung
from frontier.results.spec import MeasureSpec, TrialSpec
from frontier.training.context import Context
from frontier.training.finetune import STAGE
from frontier.trial.measure import scores
from frontier.trial.source import Source

CORRUPTED_IMAGES, ATTACK_IMAGES = 200, 100  # of validation, at most: a rung must cost little beside an epoch


def levels(epochs: int, reduction: int, grace: float) -> dict[int, int]:
    """Epochs done -> level of the rung there: at the shares 1 / reduction^level of the epochs, none below `grace`."""
    found: dict[int, int] = {}
    level = 1
    while (share := reduction**-level) >= grace:
        done = round(epochs * share)
        if 0 < done < epochs:
            found.setdefault(done, level)
        level += 1
    return found


def climbing(context: Context, spec: TrialSpec, source: Source, folder: Path, pruner: str) -> Context:
    """The context of a trial that raises Pruned at a rung of its finetuning where the pruner says so.

    What it said once it says again when the trial goes on from a checkpoint before the rung.
    """
    rule = registry.load("pruner", pruner)
    began, at_rungs = time.monotonic(), 0.0

    def judged(model: Classifier, level: int) -> Rung:
        nonlocal at_rungs
        here = time.monotonic()
        found = measured(model, spec, source, context, level)
        seen = time.monotonic()
        stopped = rule.stops(found, list(rungs_beside(folder, level)))
        told = time.monotonic()
        seconds = {"since_s": here - began - at_rungs, "measure_s": seen - here, "ask_s": told - seen}
        at_rungs += told - here
        rounded = {name: round(value, 4) for name, value in seconds.items()}
        return found.model_copy(update={"stopped": stopped} | rounded)

    def rung(stage: str, serve: Callable[[], Classifier], done: int, epochs: int) -> None:
        level = levels(epochs, rule.REDUCTION, rule.GRACE).get(done)
        if stage != STAGE or level is None:
            return
        found = rung_of(folder, level)
        if found is None:
            found = judged(serve(), level)
            write_rung(folder, found)
        accuracies = ", ".join(f"{value:.3f}" for value in found.accuracies)
        context.log(f"rung after {done} of {epochs} epochs: {accuracies}; {found.stopped or 'goes on'}")
        if found.stopped:
            raise Pruned(f"after {done} of {epochs} epochs {found.stopped}")

    return replace(context, rung=rung)


def measured(model: Classifier, spec: TrialSpec, source: Source, context: Context, level: int) -> Rung:
    """The rung of a network as it stands; it is left in eval mode."""
    found = scores(model, source, "validation", _cheaper(spec.measure, source), context)
    return Rung(
        level=level,
        relu_count=mask_of(model.body).count,
        clean=found.clean.value,
        corrupted=found.corrupted.value,
        adversarial=found.adversarial.value,
    )


def _cheaper(measure: MeasureSpec, source: Source) -> MeasureSpec:
    images = len(source.images("validation", None).labels)
    limits = {"corrupted_images": CORRUPTED_IMAGES, "attack_images": ATTACK_IMAGES}
    return measure.model_copy(
        update={name: min(getattr(measure, name) or images, most, images) for name, most in limits.items()}
    )
