"""The health checks that run or read the network itself: gradients, repeatability, what is deployed, what stays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from frontier.nn.branches import is_branched
from frontier.nn.gates import FrozenGate
from frontier.nn.network import Classifier, backbone
from frontier.nn.profile import profile
from frontier.nn.surgery import gates, mask_of
from frontier.results.evaluation import Check
from frontier.results.record import Point
from frontier.results.spec import TrialSpec
from frontier.training.batches import Images, to_unit
from frontier.trial.health import COMPANY, FEW_IMAGES, PROBE, SLOPES, ZERO_GRADIENTS
from frontier.trial.measure import classified
from frontier.trial.source import Source

BATCH = 256


def gradients(model: Classifier, pixels: Tensor, labels: Tensor, correct: Tensor, nonfinite: int) -> Check:
    """On the correct images: input gradients that are not zero, a margin that follows its own, nothing NaN or infinite.

    A gradient that is made up, as behind a rounded input (straight-through), is not the slope that a step finds.
    `nonfinite`: how often the network gave such logits under attack.
    """
    zero = astray = bad = 0
    total = int(correct.sum())
    if not total:
        return Check(name="gradients", passed=None, found="no image is classified right")
    chosen, wanted = pixels[correct], labels[correct]
    for at in range(0, total, BATCH):
        inputs = chosen[at : at + BATCH].detach().clone().requires_grad_()
        with torch.enable_grad():
            loss = cross_entropy(model(inputs), wanted[at : at + BATCH], reduction="sum")
            (gradient,) = torch.autograd.grad(loss, inputs)
        largest = gradient.abs().flatten(1).amax(1)  # NaN where one is
        slope = _slope(model, inputs.detach(), wanted[at : at + BATCH])
        followed = (slope >= SLOPES[0]) & (slope <= SLOPES[1])  # never where it is NaN
        bad += int((~largest.isfinite()).sum())
        zero += int((largest == 0).sum())
        astray += int((~followed & (largest != 0)).sum())
    found = (
        f"of {total} correct images {zero} have a zero gradient, {astray} one that the margin does not follow over a "
        f"step of {PROBE:g}, {bad} one that is NaN or infinite; logits were NaN or infinite {nonfinite} times"
    )
    passed = bad == 0 and nonfinite == 0 and zero + astray <= ZERO_GRADIENTS * total
    return Check(name="gradients", passed=passed, found=found)


def _slope(model: Classifier, pixels: Tensor, labels: Tensor) -> Tensor:
    """By image, (N,): what the margin over the strongest other class gains over a step along the signs of its gradient,
    both ways, as a share of what the gradient says. 1 where the network is linear; NaN where the gradient is zero."""
    inputs = pixels.clone().requires_grad_()
    with torch.enable_grad():
        logits = model(inputs)
        others = logits.detach().scatter(1, labels[:, None], -torch.inf).argmax(1)

        def margin(logits: Tensor) -> Tensor:
            return (logits.gather(1, others[:, None]) - logits.gather(1, labels[:, None]))[:, 0]

        (gradient,) = torch.autograd.grad(margin(logits).sum(), inputs)
    step = PROBE * gradient.sign()
    with torch.no_grad():
        gained = margin(model(pixels + step)) - margin(model(pixels - step))
    return gained / (2 * PROBE * gradient.abs().flatten(1).sum(1))


@torch.no_grad()
def deterministic(model: Classifier, pixels: Tensor) -> Check:
    """Two forwards of the same images give the same logits, bit for bit; in other company they are the same, rounding
    apart."""
    differ = swayed = 0
    for part in torch.split(pixels, BATCH):
        first, second = (model(part).nan_to_num() for _ in range(2))
        differ += int((first != second).any(1).sum())
        halves = torch.split(part.flip(0), -(-len(part) // 2))
        apart = torch.cat([model(half).nan_to_num() for half in halves]).flip(0)
        swayed += int(((apart - first).abs().amax(1) > COMPANY * first.abs().amax(1)).sum())
    found = f"of {len(pixels)} images two forwards differ on {differ}, and other images in the batch change {swayed}"
    return Check(name="deterministic", passed=differ == swayed == 0, found=found)


def deployed(model: Classifier, spec: TrialSpec, point: Point, source: Source, weights: Path) -> Check:
    """The attacked network is the one of the record: mask, ReLUs and squares by running it, one norm branch, weights
    and surrogate coefficients as in the file that is exported, accuracy on validation."""
    wrong = []
    held = model.state_dict()
    other = [
        name
        for name, value in load_file(weights).items()
        if name not in held or not torch.equal(held[name].cpu(), value)
    ]
    if other:
        wrong.append(f"its {', '.join(sorted(other)[:3])} are not those of {weights.name}")
    if is_branched(model):
        wrong.append("it has several norm branches")
    network = point.network or spec.network
    mask = mask_of(model.body)
    if mask.hash != point.mask.hash:
        wrong.append(f"its mask is {mask.hash}, the record's {point.mask.hash}")
    counted = profile(model.body, source.dataset().image, outer=backbone(network.name).outer)
    if counted.kept != point.relu_count:
        wrong.append(f"it evaluates {counted.kept:,} ReLUs, the record says {point.relu_count:,}")
    if counted.sites != point.profile.sites:
        wrong.append("its ReLUs or squares by site are not the record's")
    images = Images.of(source.images("validation", spec.measure.validation_images), model.mean.device)
    right = int(classified(model, to_unit(images.pixels), images.labels)[0].sum())
    recorded = point.validation.clean
    expected = round(recorded.value * recorded.n)
    if recorded.n != len(images) or abs(right - expected) > FEW_IMAGES:
        wrong.append(f"it is right on {right} of {len(images)} validation images, the record says {expected}")
    polynomials = sum(one.coefficients is not None for one in gates(model.body).values() if isinstance(one, FrozenGate))
    found = (
        f"mask {mask.hash[:12]}, {counted.kept:,} ReLUs, {counted.squares:,} squares, "
        f"polynomials at {polynomials} sites, {right} of {len(images)} validation images right"
    )
    return Check(name="deployed", passed=not wrong, found="; ".join(wrong) or found)


@dataclass(frozen=True)
class State:
    """What an evaluation may not change: parameters and buffers by name, training flags, what is trained."""

    tensors: dict[str, Tensor]
    training: dict[str, bool]
    trained: dict[str, bool]

    @classmethod
    def of(cls, model: nn.Module) -> State:
        """A copy, as it stands now."""
        return cls(
            {name: value.detach().clone() for name, value in model.state_dict().items()},
            {name: module.training for name, module in model.named_modules()},
            {name: parameter.requires_grad for name, parameter in model.named_parameters()},
        )


def untouched(before: State, model: nn.Module) -> Check:
    """The evaluation left the network as it was."""
    after = State.of(model)
    changed = [
        name
        for name in before.tensors.keys() | after.tensors.keys()
        if name not in before.tensors
        or name not in after.tensors
        or not torch.equal(before.tensors[name].nan_to_num(), after.tensors[name].nan_to_num())
    ]
    changed += [f"training flag of {name or 'the network'}" for name in _differ(before.training, after.training)]
    changed += [f"requires_grad of {name}" for name in _differ(before.trained, after.trained)]
    found = f"changed: {', '.join(sorted(changed)[:5])}" if changed else "parameters, buffers and flags are as before"
    return Check(name="untouched", passed=not changed, found=found)


def _differ(before: dict[str, bool], after: dict[str, bool]) -> list[str]:
    return [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
