"""StreamliNet-style linearization: a reconstruction from the abstract; no equation here could be read in the paper.

Pang, Wang, Yu, Zhao, Zeng: StreamliNet, Information Sciences 2024, doi 10.1016/j.ins.2024.120463. Its abstract has a
"ReLU negativity" inside a "multivariate metric" that shares the budget among layers, a gradient-based selection of
insensitive ReLUs, and a "cost-aware post-activation consistency constraint" that linearizes cheap ReLUs first. What
one of its authors wrote later agrees (ReLUPruner, AAAI 2026: losing a ReLU changes the output only where its input is
negative, and importance is multiplied by how often that is). Each equation below is ours, made to fit those words:

  (a) nu_k = E[1(z_k < 0)], cost_k = E[max(-z_k, 0)] of a unit's input z_k; nu_l = mean of nu_k over layer l
  (b) M_l = product of (f_i(l) / max over layers of f_i)^w_i, f = nu_l, SENet's sensitivity, mean |dL/dm|;
      r_l = water-filling of the budget by M
  (c) y = s max(z, 0) + (1 - s) z, s in [0, 1], trained by CE + KD_T + lambda sum_l w_l |s_l|_1 + L_c;
      a unit whose s falls to the threshold stays linear; at the end each layer keeps its r_l best units
  (d) L_c = sum_l sum_k omega_lk (a_k / |a| - b_k / |b|)^2, student's a, teacher's b, omega_lk ~ (1 - s_k) cost_k

Where the words allow another reading, a knob has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from frontier.errors import TrialFailed
from frontier.masks.mask import Mask
from frontier.nn.gates import FrozenGate, SoftGate
from frontier.nn.network import Classifier
from frontier.nn.sites import Site
from frontier.nn.surgery import gates
from frontier.nn.taps import Tapped
from frontier.training import allocation
from frontier.training.batches import Images, to_unit
from frontier.training.finetune import Finetuning, finetune
from frontier.training.fit import fit
from frontier.training.forward import forward_of, no_grad, wants_compile
from frontier.training.freeze import freeze
from frontier.training.losses import Weights, imitation, step_passes
from frontier.training.observe import BATCH, first, gate_inputs, mean_over
from frontier.training.select import largest_by_site
from frontier.training.sensitivity import Proxy, sensitivities
from frontier.training.task import Candidate, Linearized, Task, gated

FIDELITY = "reconstruction"
PAPER = "Pang et al., StreamliNet, Information Sciences 2024 (reconstructed from its abstract)"
DEVIATIONS = (
    "Every equation and default is a reconstruction: only the paper's abstract could be read.",
    "The soft gates, their optimizer, lambda and threshold are SNL's: the abstract compares itself with SNL.",
    "The layers' sensitivity is SENet's (1 - density of a pruned copy); the abstract names negativity alone.",
    "Units that are never negative start linear, without training: linearizing them changes nothing.",
    "The consistency acts in the search; in the finetuning attention_weight has its place, 0 as no value is known.",
)

Statistic = dict[str, Tensor]  # (C, H, W) by site path
SHORTEST = 1e-3  # of an activation map that is scaled to length 1
SMALLEST = 1e-30  # a mean cost that is less counts as this: no division by zero


class Knobs(Finetuning, Proxy):
    """No default is the paper's: none could be read. Those that SNL also has are SNL's."""

    negativity: Literal["strict", "nonstrict", "magnitude", "batchnorm"] = "strict"
    """z < 0; z <= 0; the cost in its place; or Phi(-beta / |gamma|) of the batch norm that feeds the ReLU."""
    score_images: int | None = Field(default=None, gt=0)  # that nu, cost and dL/dm are measured on; None: all
    w_negativity: float = Field(default=1.0, ge=0)  # exponents of the metric; 0 leaves the factor out
    w_sensitivity: float = Field(default=1.0, ge=0)  # 0: the proxy is not trained
    w_gradient: float = Field(default=0.0, ge=0)
    epochs: int = Field(default=50, gt=0)  # of the search, which ends sooner once every layer is at its count
    lr: float = Field(default=1e-3, gt=0)  # Adam, weights and gates
    mask_lr: float | None = Field(default=None, gt=0)  # of the gates alone; None: the same
    batch: int = Field(default=128, gt=0)
    penalty: float = Field(default=1e-5, ge=0)  # lambda
    pressure: Literal["excess", "even"] = "excess"  # w_l: share of the layer that must go, or 1
    threshold: float = Field(default=1e-2, lt=1)  # of s; below 0: no unit is linear for good before the end
    rank: Literal["gate", "gate_times_cost"] = "gate"  # what a layer's best units are best in
    consistency_weight: float = Field(default=1.0, ge=0)


def passes(knobs: Knobs) -> float:
    """Network passes of scoring and search per training image, at most (forward 1, forward and backward 3)."""
    return 1.0 + (3.0 if knobs.w_gradient else 0.0) + passes_per_step(knobs) * knobs.epochs


def ends_early(knobs: Knobs) -> bool:
    """The search ends once every layer is at its count."""
    return True


def passes_per_step(knobs: Knobs) -> float:
    """Forward and backward of the student, forward of the teacher, an image."""
    return step_passes(taught=bool(knobs.distill_weight or knobs.consistency_weight))


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Measure the units, share the budget among the layers, search the mask, freeze it, finetune."""
    images = first(task.train, knobs.score_images)
    nu, cost = measured(task, images, knobs.negativity)
    counts = shares(task, nu, images, knobs)
    student = gated(task, task.teacher, closing)
    close(student, cost, counts, knobs)
    search(task, student, cost, counts, knobs)
    notes: tuple[str, ...] = ()
    if knobs.threshold >= 0 and not all_closed(student, counts):
        left = sum(still_open(gate) for gate in soft_gates(student).values())
        notes = (f"streamlinet: {knobs.epochs} epochs left {left} ReLUs; each layer kept the best of its own",)
    mask = chosen(student, cost, counts, knobs)
    freeze(task, student, mask, knobs)
    finetune(task, student, knobs)
    return Linearized((Candidate(student, task.relu_budget),), notes)


# (a) negativity and cost


def measured(task: Task, images: Images, negativity: str) -> tuple[Statistic, Statistic]:
    """(nu, cost) of every unit of the teacher: (C, H, W) float64 by site path."""
    teacher = gated(task, task.teacher)
    feeding = norms(task, teacher) if negativity == "batchnorm" else {}
    both = mean_over(
        gate_inputs(task, teacher, images, "negativity"), lambda z: torch.stack([negative(z, negativity), price(z)], 1)
    )
    cost = {path: pair[1] for path, pair in both.items()}
    if negativity == "magnitude":
        return cost, cost
    if negativity == "batchnorm":
        return {path: normal_negativity(norm, cost[path]) for path, norm in feeding.items()}, cost
    return {path: pair[0] for path, pair in both.items()}, cost


def negative(z: Tensor, negativity: str) -> Tensor:
    """Whether each input counts as negative, as 0 or 1 in z's dtype; 0 itself does only in the `nonstrict` reading."""
    return (z <= 0 if negativity == "nonstrict" else z < 0).to(z.dtype)


def price(z: Tensor) -> Tensor:
    """|max(z, 0) - z| = max(-z, 0): what linearizing a unit changes in its output."""
    return (-z).clamp(min=0)


def norms(task: Task, teacher: Classifier) -> dict[str, nn.BatchNorm2d]:
    """The batch norm whose output each gate is fed, by site path. Raises TrialFailed where something comes between."""
    made: list[tuple[Tensor, nn.BatchNorm2d]] = []
    found: dict[str, nn.BatchNorm2d] = {}

    def leave(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.BatchNorm2d):
            made.append((output, module))

    def enter(path: str) -> Any:
        def see(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            for output, norm in made:
                if output is args[0]:
                    found[path] = norm

        return see

    handles = [module.register_forward_hook(leave) for module in teacher.modules()]
    handles += [module.register_forward_pre_hook(enter(path)) for path, module in gates(teacher.body).items()]
    try:
        with torch.no_grad():
            teacher.eval()(to_unit(task.train.pixels[:1]))
    finally:
        for handle in handles:
            handle.remove()
    others = [site.path for site in task.sites() if site.path not in found]
    if others:
        raise TrialFailed(
            "streamlinet: negativity 'batchnorm' needs a batch norm right before every ReLU, and "
            f"{', '.join(others)} {'has' if len(others) == 1 else 'have'} none; measure it: 'strict'"
        )
    return found


def normal_negativity(norm: nn.BatchNorm2d, like: Tensor) -> Tensor:
    """P(gamma n + beta < 0) for a normal n, spread over the shape (C, H, W) of `like`; Phi(-beta / |gamma|)."""
    if not norm.affine:
        return torch.full_like(like, 0.5)
    beta, gamma = norm.bias.detach().double(), norm.weight.detach().double().abs()
    nu = torch.special.ndtr(-beta / gamma)
    nu = torch.where(gamma > 0, nu, (beta < 0).double())  # a channel without scale is the constant beta
    return nu[:, None, None].expand_as(like)


# (b) the metric and the layers' counts


def shares(task: Task, nu: Statistic, images: Images, knobs: Knobs) -> dict[str, int]:
    """r_l: how many ReLUs each layer keeps, by site path; they add up to the budget."""
    sites = task.sites()
    factors = []
    if knobs.w_negativity:
        factors.append(([float(nu[site.path].mean()) for site in sites], knobs.w_negativity))
    if knobs.w_sensitivity:
        sensitivity = sensitivities(task, knobs)
        factors.append(([sensitivity[site.path] for site in sites], knobs.w_sensitivity))
    if knobs.w_gradient:
        slopes = gradients(task, images)
        factors.append(([slopes[site.path] for site in sites], knobs.w_gradient))
    weights = metric(factors, len(sites))
    counts = allocation.whole(weights, [site.relus for site in sites], task.relu_budget)
    for site, weight, count in zip(sites, weights, counts, strict=True):
        task.context.log(f"streamlinet: {site.path} metric {weight:.4g}, {count} of {site.relus} ReLUs")
    return {site.path: count for site, count in zip(sites, counts, strict=True)}


def metric(factors: Sequence[tuple[Sequence[float], float]], layers: int) -> list[float]:
    """M_l = product of (f_i(l) / max f_i)^w_i over the (f_i, w_i); 1 everywhere without factors. A factor that is 0 in
    every layer makes all of them 0, and the budget is then shared by size."""
    weights = np.ones(layers)
    for values, exponent in factors:
        f = np.asarray(values, dtype=np.float64)
        weights *= (f / (f.max() or 1.0)) ** exponent
    return [float(weight) for weight in weights]


def gradients(task: Task, images: Images) -> dict[str, float]:
    """Mean over a layer's units of |dL/dm|, L the teacher's mean cross-entropy on `images`, m its gates at 1."""
    model = gated(task, task.teacher, SoftGate.at, closed=FrozenGate.at).requires_grad_(False).eval()
    soft = soft_gates(model)
    masks = [found.alpha.requires_grad_(True) for found in soft.values()]
    summed = [torch.zeros_like(mask) for mask in masks]
    for at in range(0, len(images), BATCH):
        task.context.check()
        logits = model(to_unit(images.pixels[at : at + BATCH])).float()
        loss = functional.cross_entropy(logits, images.labels[at : at + BATCH], reduction="sum") / len(images)
        for total, part in zip(summed, torch.autograd.grad(loss, masks), strict=True):
            total += part
    task.context.spend("gradients", 3.0 * len(images) / len(task.train))
    return {path: float(total.abs().mean()) for path, total in zip(soft, summed, strict=True)}


# (c) the search


def search(task: Task, student: Classifier, cost: Statistic, counts: Mapping[str, int], knobs: Knobs) -> None:
    """Train weights and gates, in place, until the epochs run out or every layer is at its count."""
    soft = soft_gates(student)
    masks = [found.alpha for found in soft.values()]
    mask_ids = {id(mask) for mask in masks}
    weights = [p for p in student.parameters() if p.requires_grad and id(p) not in mask_ids]
    pressure = [
        1 - counts[path] / found.alpha.numel() if knobs.pressure == "excess" else 1.0 for path, found in soft.items()
    ]
    prices = [cost[path].float() for path in soft]
    recipe = task.recipe(
        epochs=knobs.epochs,
        optimizer="adam",
        lr=knobs.lr,
        schedule="constant",
        batch=knobs.batch,
    )
    device = task.context.device
    compiled = wants_compile(recipe, device, task.context.log)
    paths = [f"body.{path}" for path in soft] if knobs.consistency_weight else []
    guide = gated(task, task.teacher) if paths else task.teacher

    parts = Weights(1.0, knobs.distill_weight, 0.0, knobs.temperature)

    def after_step() -> None:
        with torch.no_grad():
            for found in soft.values():
                found.alpha.clamp_(0, 1).masked_fill_(linear(found), 0)

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        close(student, cost, counts, knobs)
        state["open"] = float(sum(still_open(found) for found in soft.values()))
        return all_closed(student, counts)

    with Tapped(student, paths) as seen, Tapped(guide, paths) as shown:
        forward = forward_of(seen, recipe, device, compiled=compiled)
        teacher = no_grad(forward_of(shown, recipe, device, compiled=False))

        def loss(pixels: Tensor, labels: Tensor) -> Tensor:
            said = forward(pixels)
            taught = teacher(pixels) if knobs.distill_weight or paths else None
            value = imitation(said, taught, labels, parts)
            if paths and taught is not None:
                omega = [unit_weights(mask, each) for mask, each in zip(masks, prices, strict=True)]
                value = value + knobs.consistency_weight * consistency(said[1], taught[1], omega)
            return value + knobs.penalty * magnitude(masks, pressure)

        groups: list[dict[str, Any]] = [{"params": weights}, {"params": masks, "lr": knobs.mask_lr or knobs.lr}]
        fit(
            task.context, "search", student, task.train, recipe, loss, seed=task.seed, groups=groups,
            after_epoch=after_epoch, after_step=after_step, passes=passes_per_step(knobs),
        )  # fmt: skip


def magnitude(masks: Sequence[Tensor], pressure: Sequence[float]) -> Tensor:
    """sum_l w_l |s_l|_1 -> scalar."""
    return torch.stack([weight * mask.abs().sum() for mask, weight in zip(masks, pressure, strict=True)]).sum()


def closing(site: Site) -> SoftGate:
    """A soft gate that knows which of its units are linear for good; the checkpoint keeps that with its alpha."""
    made = SoftGate.at(site)
    made.register_buffer("linear", torch.zeros(site.shape, dtype=torch.bool))
    return made


def soft_gates(student: Classifier) -> dict[str, SoftGate]:
    return {path: found for path, found in gates(student.body).items() if isinstance(found, SoftGate)}


def linear(found: SoftGate) -> Tensor:
    """bool (C, H, W): the units that are linear for good."""
    return found.get_buffer("linear")


def still_open(found: SoftGate) -> int:
    return int((~linear(found)).sum())


def all_closed(student: Classifier, counts: Mapping[str, int]) -> bool:
    """Whether every layer has just the ReLUs left that it may keep."""
    return all(still_open(found) <= counts[path] for path, found in soft_gates(student).items())


@torch.no_grad()
def close(student: Classifier, cost: Statistic, counts: Mapping[str, int], knobs: Knobs) -> None:
    """Make the units linear for good that are at or below the threshold or cost nothing, worst first, as long as the
    layer keeps its count."""
    for path, found in soft_gates(student).items():
        ready = linear(found) | (cost[path] == 0) | (found.alpha <= knobs.threshold)
        order = torch.from_numpy(np.argsort(ranks(found, cost[path], knobs.rank), axis=None)).to(ready.device)
        gone = order[ready.flatten()[order]][: found.alpha.numel() - counts[path]]
        linear(found).view(-1)[gone] = True
        found.alpha.masked_fill_(linear(found), 0)


def ranks(found: SoftGate, cost: Tensor, rank: str) -> NDArray[np.float32]:
    """The place of each unit (C, H, W) from the first to be linearized, 0, to the last: those linear for good, those
    of no cost, then by s or s * cost; among equal ones the cheaper, then the later position goes first."""
    price = cost.detach().double().cpu().numpy().ravel()
    score = found.alpha.detach().double().cpu().numpy().ravel()
    if rank == "gate_times_cost":
        score = score * price
    keys = (-np.arange(price.size), price, score, price > 0, ~linear(found).cpu().numpy().ravel())
    places = np.empty(price.size, dtype=np.float32)
    places[np.lexsort(keys)] = np.arange(price.size, dtype=np.float32)
    return places.reshape(found.shape)


def chosen(student: Classifier, cost: Statistic, counts: Mapping[str, int], knobs: Knobs) -> Mask:
    """The mask of the r_l best units of each layer."""
    places = {path: ranks(found, cost[path], knobs.rank) for path, found in soft_gates(student).items()}
    return largest_by_site(places, counts)


# (d) the consistency


def unit_weights(alpha: Tensor, cost: Tensor) -> Tensor:
    """omega (C, H, W): (1 - s) cost with mean 1 over the layer, so that equal ones are no weights at all; 0 everywhere
    where nothing is linear yet. No gradient."""
    omega = (1 - alpha.detach()).clamp(min=0) * cost
    return omega / omega.mean().clamp(min=SMALLEST)


def consistency(student: Sequence[Tensor], teacher: Sequence[Tensor], omega: Sequence[Tensor]) -> Tensor:
    """Sum over layers of the weighted squared distance of the activations (B, C, H, W), each image's scaled to length
    1; mean over the batch -> scalar. No gradient to `teacher`."""
    terms = []
    for a, b, weights in zip(student, teacher, omega, strict=True):
        difference = unit(a) - unit(b.detach())
        terms.append((weights.flatten() * difference.square()).sum(dim=1).mean())
    return torch.stack(terms).sum()


def unit(activations: Tensor) -> Tensor:
    """(B, C, ...) -> (B, positions) of length 1; a map that is nearly all zero keeps its length, so that its gradient
    stays bounded."""
    return functional.normalize(activations.float().flatten(1), dim=1, eps=SHORTEST)
