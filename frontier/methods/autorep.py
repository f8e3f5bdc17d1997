"""AutoReP: Automatic ReLU Replacement (Peng et al.; ICCV 2023), pixel-wise, with a quadratic of each channel.

Every activation is a ReLU or a polynomial by an indicator m with hysteresis: a score a turns it off at a <= -t and on
again at a > t. Backwards dm/da = softplus(a), so that a replaced ReLU can come back. Weights, scores and coefficients
are trained together on cross-entropy + distillation + lambda relu(density - budget/N); the polynomial of a channel
starts as the least-squares fit of ReLU to a normal distribution with the running mean and standard deviation of its
inputs. The recipe is that of the authors' code, HarveyP123/AutoReP (commit ac8f662): scripts/cifar100.sh,
train_cifar.py, models_util/model_spReLU_relay.py. Where a ReLU was, a square is left, which is not free: the profile
counts it.
"""

from __future__ import annotations

import copy
import math
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from frontier.masks.mask import Mask
from frontier.nn.gates import FrozenGate, Gate
from frontier.nn.hysteresis import HysteresisGate, relus_on
from frontier.nn.network import Classifier
from frontier.nn.sites import Site
from frontier.nn.surgery import gates, set_mask
from frontier.nn.surrogates import Surrogate
from frontier.results.spec import Recipe
from frontier.training.batches import generator
from frontier.training.finetune import Finetuning, finetune
from frontier.training.fit import fit
from frontier.training.forward import forward_of, no_grad, wants_compile
from frontier.training.freeze import fitted
from frontier.training.kept import LOWEST
from frontier.training.losses import Weights, imitation, step_passes
from frontier.training.select import largest
from frontier.training.snapshots import Budgets, counts_of, finetuned, keep_passed
from frontier.training.task import Candidate, Linearized, Task, gated, with_closed
from frontier.training.trajectory import Course, SearchSeed, seed_of, shared

FIDELITY = "authors_code"
PAPER = (
    "Peng et al., AutoReP: Automatic ReLU Replacement for Fast Private Network Inference, ICCV 2023 (arXiv 2308.10134)"
)
DEVIATIONS = (
    "DaPa gets the standard deviation, as its closed form asks; the authors' code passes the variance, at least 0.5.",
    "c0 is not divided by 5; c2 is damped by the knob curvature alone, and c0 and c1 are the best ones for that c2.",
    "Until the first refresh the coefficients are the fit for mean 0 and variance 1: a fresh gate has seen nothing.",
    "Only training forwards move masks, statistics and coefficients; in the authors' code evaluation does too.",
    "If the penalty misses the budget, the largest scores are kept (and a note); the authors accept up to +2,000.",
    "The cosine falls to 0, as in all our recipes; the authors' to 1e-5.",
    "Finetuning with the mask frozen and the coefficients trained follows, as for all methods; the authors' has none.",
    "No Lookahead, and no separate rates unless by score_lr: they are in the authors' Tiny-ImageNet script alone.",
    "The teacher runs without a graph; the authors' code builds one, which costs memory alone.",
    "The last epoch counts, or the best on validation (checkpoint); the authors take the best on the test set.",
    "Knobs score_lr, warmup_steps, exact, snapshots, search_seed, distill_weight, relu_layers: ours, off by default.",
)


STAGE = "search"
# knobs that the states of a search depend on, beside those in its recipe
SEARCHING = {
    "surrogate", "curvature", "penalty", "threshold", "score_lr", "warmup_steps", "distill_weight", "temperature"
}  # fmt: skip


class Knobs(Finetuning):
    """Defaults are the authors' (ResNet18, CIFAR-100); temperature and distill_weight serve both phases."""

    surrogate: Surrogate = "degree2"
    # lambda, constant. The authors' by budget: ResNet18, CIFAR-100: 6K 200, 9K 140, 12.9K 80, 15K 60, from 25K on 40;
    # WRN-22-8: CIFAR-100 80K 80, Tiny-ImageNet 150K 240
    penalty: float = Field(default=80.0, ge=0)
    threshold: float = Field(default=0.003, ge=0)  # half the width of the hysteresis
    epochs: int = Field(default=200, gt=0)
    lr: float = Field(default=1e-3, gt=0)  # Adam, cosine, no weight decay: weights, scores and coefficients
    score_lr: float | None = Field(default=None, gt=0)  # of the scores alone; None: the same
    batch: int = Field(default=128, gt=0)
    warmup_steps: int = Field(default=500, ge=0)  # while coefficients are fitted again every 10 steps
    exact: bool = False  # where the search ended below the budget, fill it up by the largest scores
    snapshots: Budgets = ()  # budgets to be kept on the way down, each finetuned as a point of its own
    search_seed: SearchSeed = None  # of the mask search alone: trials with the same one share it, above their budgets


def passes(knobs: Knobs) -> float:
    """Network passes of the search per training image (forward 1, forward and backward 3)."""
    return step_passes(taught=bool(knobs.distill_weight)) * knobs.epochs


def linearize(task: Task, knobs: Knobs) -> Linearized:
    """Search indicators and polynomials together, freeze the former, finetune; the same for every snapshot."""
    student = gated(task, task.teacher, maker(task, knobs), closed=replaced(task, knobs))
    budgets = counts_of(knobs.snapshots, sum(site.relus for site in task.all_sites()))
    search(task, student, knobs, budgets)
    asked = copy.deepcopy(student)
    mask, notes = binarise(asked, task.relu_budget, exact=knobs.exact)
    put(asked, with_closed(task, mask))
    finetune(task, asked, knobs)

    def mask_at(model: Classifier, budget: int) -> Mask:
        return binarise(model, budget, exact=knobs.exact)[0]

    extras, remarks = finetuned(task, student, budgets, mask_at, knobs, "autorep", put=put)
    return Linearized((Candidate(asked, task.relu_budget), *extras), (*notes, *remarks))


def maker(task: Task, knobs: Knobs) -> Callable[[Site], Gate]:
    """Gates with scores from U(0, 1), drawn site by site in order of execution; not those that `random` draws."""
    dice = generator(seed_of(task, knobs.search_seed), zlib.crc32(b"autorep"))

    def make(site: Site) -> Gate:
        score = torch.rand(site.shape, generator=dice)
        return HysteresisGate(
            score, **knobs.model_dump(include={"surrogate", "threshold", "warmup_steps", "curvature"})
        )

    return make


def replaced(task: Task, knobs: Knobs) -> Callable[[Site], Gate]:
    """Gates of closed sites: the linear polynomial everywhere, for good. It is trained with the others', and begins as
    the fit to what the teacher's ReLUs are fed."""
    fits = fitted(task, knobs) if task.closed else {}

    def make(site: Site) -> Gate:
        return FrozenGate(torch.zeros(site.shape, dtype=torch.bool), fits.get(site.path))

    return make


def search(task: Task, student: Classifier, knobs: Knobs, snapshots: Sequence[int] = ()) -> None:
    """Train weights, scores and coefficients for all the epochs; the penalty alone drives the count to the budget."""
    searched = list(hysteresis_gates(student).values())
    scores = [found.score for found in searched]
    score_ids = {id(score) for score in scores}
    others = [p for p in student.parameters() if p.requires_grad and id(p) not in score_ids]
    recipe = task.recipe(
        epochs=knobs.epochs,
        optimizer="adam",
        lr=knobs.lr,
        schedule="cosine",
        batch=knobs.batch,
    )
    device = task.context.device
    forward = forward_of(student, recipe, device, compiled=wants_compile(recipe, device, task.context.log))
    teacher = no_grad(forward_of(task.teacher, recipe, device, compiled=False))
    weights = Weights(1.0, knobs.distill_weight, 0.0, knobs.temperature)
    positions = sum(score.numel() for score in scores)
    penalty = knobs.penalty * (positions / sum(site.relus for site in task.all_sites()))  # density: of all there are
    state = {"count": float(positions)}
    low = torch.full((), positions, dtype=torch.int64, device=device)  # the lowest count of the steps from here on

    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        taught = (teacher(pixels), ()) if knobs.distill_weight else None
        value = imitation((forward(pixels), ()), taught, labels, weights)
        return value + excess(searched, task.relu_budget, penalty)

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        state["count"] = float(sum(int(found.state.sum()) for found in searched))
        if knobs.search_seed is not None:
            state[LOWEST] = min(state.get(LOWEST, math.inf), float(low))
        keep_passed(task, student, snapshots, int(state["count"]), epoch)
        return False

    @torch.no_grad()
    def after_step() -> None:
        torch.minimum(low, torch.stack([found.state.sum() for found in searched]).sum(), out=low)

    with shared(task, course(task, knobs, recipe, snapshots)) as passed:
        fit(
            task.context, STAGE, student, task.train, recipe, loss, seed=seed_of(task, knobs.search_seed), state=state,
            groups=[{"params": others}, {"params": scores, "lr": knobs.score_lr or knobs.lr}],
            after_epoch=after_epoch, passes=step_passes(taught=bool(knobs.distill_weight)),
            after_step=None if knobs.search_seed is None else after_step, passed=passed,
        )  # fmt: skip


def course(task: Task, knobs: Knobs, recipe: Recipe, snapshots: Sequence[int]) -> Course:
    """The search as others may share it: above its budget the gradient of `excess` does not depend on it, so that
    searches to two budgets are the same until a step has met the larger one."""
    return Course(
        stage=STAGE,
        seed=knobs.search_seed,
        key={
            "method": "autorep",
            "recipe": recipe.model_dump(mode="json"),
            "knobs": knobs.model_dump(mode="json", include=SEARCHING),
        },
        budget=task.relu_budget,
        others=tuple(budget for budget in snapshots if budget > task.relu_budget),
        epochs=knobs.epochs,
        ends=False,
    )


def hysteresis_gates(student: Classifier) -> dict[str, HysteresisGate]:
    return {path: found for path, found in gates(student.body).items() if isinstance(found, HysteresisGate)}


def excess(searched: Sequence[HysteresisGate], relu_budget: int, penalty: float) -> Tensor:
    """lambda relu((count - budget) / N) -> scalar: one-sided, with no gradient at all once the budget is met."""
    positions = sum(found.score.numel() for found in searched)
    return penalty / positions * functional.relu(relus_on(searched) - relu_budget)


def binarise(student: Classifier, relu_budget: int, *, exact: bool) -> tuple[Mask, tuple[str, ...]]:
    """The indicators as a mask, never over budget, and a note where it needed a repair."""
    searched = hysteresis_gates(student)
    on = Mask.of({path: found.state.cpu().numpy() for path, found in searched.items()})
    scores = {path: found.score.detach().float().cpu().numpy() for path, found in searched.items()}
    if on.count > relu_budget:
        among = {path: np.where(on.bits(path), score, -np.inf) for path, score in scores.items()}
        note = f"autorep: the search ended at {on.count} ReLUs; the {relu_budget} largest scores of them were kept"
        return largest(among, relu_budget), (note,)
    if exact:
        return largest({p: np.where(on.bits(p), np.inf, score) for p, score in scores.items()}, relu_budget), ()
    return on, ()


def put(student: Classifier, mask: Mask) -> None:
    """Freeze the mask in place, with the coefficients that the search learnt."""
    here = gates(student.body).items()
    learnt = {path: found.coefficients for path, found in here if isinstance(found, HysteresisGate | FrozenGate)}
    set_mask(student.body, mask, {path: found for path, found in learnt.items() if found is not None})
