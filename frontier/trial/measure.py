"""Measuring a finished network: clean, corrupted and adversarial accuracy on one split.

Everything is measured in eval mode and float32, through the deployed masks. The attack is not trusted: what it
returns is clipped to the allowed ball and to [0, 1], and an image counts as robust only if the network is right
both on it and on what the attack made of it.
"""

from __future__ import annotations

from statistics import fmean

import torch
from torch import Tensor

from frontier import registry
from frontier.attacks import _linf
from frontier.corruptions._make import Watch
from frontier.errors import TrialFailed
from frontier.nn.network import Classifier
from frontier.results.measure import Measure
from frontier.results.record import Scores
from frontier.results.spec import MeasureSpec
from frontier.training.batches import Images, to_unit
from frontier.training.context import Context
from frontier.trial.source import SUBSET_SEED, Source

BATCH = 500


@torch.no_grad()  # and not inference_mode: a network may take gradients inside its forward pass
def classified(model: Classifier, pixels: Tensor, labels: Tensor) -> tuple[Tensor, int]:
    """Which images, (N, C, H, W) in [0, 1], are classified right, bool (N,), and how many have NaN or infinite logits:
    those are wrong."""
    logits = torch.cat([model(pixels[at : at + BATCH]) for at in range(0, len(labels), BATCH)])
    finite = logits.isfinite().all(1)
    return finite & (logits.argmax(1) == labels), int((~finite).sum())


def correct(model: Classifier, pixels: Tensor, labels: Tensor) -> Tensor:
    """Which images are classified right, bool (N,). Raises TrialFailed on NaN or infinite logits."""
    right, nonfinite = classified(model, pixels, labels)
    if nonfinite:
        raise TrialFailed("the network returns NaN or infinite logits")
    return right


def allowed(moved: Tensor, pixels: Tensor, eps: float) -> Tensor:
    """What an attack made of `pixels`, brought back within `eps` of them; where it is NaN, the image itself."""
    return _linf.project(torch.where(moved.isnan(), pixels, moved), pixels, eps)


def clean(model: Classifier, images: Images) -> Measure:
    """Plain accuracy."""
    return Measure.of(float(correct(model, to_unit(images.pixels), images.labels).double().mean()), len(images))


def scores(model: Classifier, source: Source, split: str, spec: MeasureSpec, context: Context) -> Scores:
    """The three accuracies on "validation" or "test"; the two means broken up in `parts`."""
    model.eval()
    count = spec.validation_images if split == "validation" else spec.test_images
    by_corruption = corrupted(model, source, split, spec, context)
    by_attack = adversarial(model, source, split, spec, context)
    by_file = official(model, source, spec, context) if spec.official and split == "test" else {}
    return Scores(
        clean=clean(model, Images.of(source.images(split, count), context.device)),
        corrupted=_mean(by_corruption),
        adversarial=_mean(by_attack),
        parts=by_corruption | by_attack | by_file,
        corrupted_official=_mean(by_file) if by_file else None,
    )


def corrupted(model: Classifier, source: Source, split: str, spec: MeasureSpec, context: Context) -> dict[str, Measure]:
    """Accuracy by `corruption/severity`."""
    found = {}
    for name in spec.corruptions:
        for severity in spec.severities:
            context.check()
            changed = source.corrupted(split, spec.corrupted_images, name, severity, watch_of(context))
            found[f"{name}/{severity}"] = clean(model, Images.of(changed, context.device))
    return found


def official(model: Classifier, source: Source, spec: MeasureSpec, context: Context) -> dict[str, Measure]:
    """Accuracy on the official files of the test split, by `official/corruption/severity`."""
    found = {}
    for name in spec.corruptions:
        for severity in spec.severities:
            context.check()
            changed = source.official(spec.corrupted_images, name, severity)
            found[f"official/{name}/{severity}"] = clean(model, Images.of(changed, context.device))
    return found


def watch_of(context: Context) -> Watch:
    """A set of corrupted images that has to be made is told of in the trial's log, and stops when the trial does."""
    return Watch(tell=context.log, check=context.check)


def adversarial(
    model: Classifier, source: Source, split: str, spec: MeasureSpec, context: Context
) -> dict[str, Measure]:
    """Accuracy by `attack/eps`, eps in units of 1/255."""
    images = Images.of(source.images(split, spec.attack_images), context.device)
    pixels, labels = to_unit(images.pixels), images.labels
    unharmed = correct(model, pixels, labels)
    run = registry.load("attack", spec.attack).run
    found = {}
    for eps_255 in spec.attack_eps_255:
        context.check()
        eps = eps_255 / 255
        moved = run(model, pixels, labels, eps=eps, steps=spec.attack_steps, seed=SUBSET_SEED)
        robust = unharmed & correct(model, allowed(moved, pixels, eps), labels)
        found[f"{spec.attack}/{eps_255:g}"] = Measure.of(float(robust.double().mean()), len(labels))
    return found


def _mean(measures: dict[str, Measure]) -> Measure:
    n = next(iter(measures.values())).n
    return Measure.of(fmean(measure.value for measure in measures.values()), n)
