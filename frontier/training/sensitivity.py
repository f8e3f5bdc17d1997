"""ReLU sensitivity: what pruning leaves of a layer says how few ReLUs it can do with (SENet's first stage).

Kundu et al., ICLR 2023: a sparse copy of the network is trained at a small parameter density; eta_l, the share of its
weights that the convolution feeding site l keeps, is the layer's pruning sensitivity and alpha_l = 1 - eta_l its ReLU
sensitivity. A budget is water-filled in proportion to alpha (`allocation`). The copy depends on no budget: it is
trained once for all trials.

The authors train it by sparse momentum (sreetamasarkar/rlnet, commit afbf3aa); here by gradual magnitude pruning over
all convolutions together, on the cubic schedule of Zhu and Gupta (2017), which yields a density a layer as well.
Batch norm and linear layers that feed no ReLU stay dense; 1x1 shortcuts are pruned with the rest, but are read by none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

import torch
from pydantic import Field
from torch import Tensor, nn

from frontier.errors import InputError
from frontier.frozen import Frozen
from frontier.nn._watch import watch
from frontier.nn.network import Classifier
from frontier.results.spec import Recipe
from frontier.training.allocation import whole
from frontier.training.context import Context
from frontier.training.fit import fit
from frontier.training.forward import forward_of, wants_compile
from frontier.training.losses import cross_entropy
from frontier.training.task import Task, Tensors

STAGE = "sensitivity"
SEED = 0  # of the copy: one for all trials, whatever their seeds
PRUNED_AFTER = 2 / 3  # of the epochs; the rest trains what is left


class Proxy(Frozen):
    """How the sparse copy is trained: by SGD, momentum 0.9, lr x0.1 at 62.5, 75 and 87.5 % of the epochs. What is not
    named here (batch, augmentation, precision) is the teacher recipe's."""

    proxy_density: float = Field(default=0.1, gt=0, le=1)  # weights kept, of all convolutions together
    proxy_epochs: int | None = Field(default=None, gt=0)  # None: as many as the teacher has
    proxy_lr: float = Field(default=0.05, gt=0)
    proxy_weight_decay: float = Field(default=5e-4, ge=0)


def sensitivities(task: Task, knobs: Proxy) -> dict[str, float]:
    """alpha_l = 1 - eta_l by site path, in order of execution; trained at the first call, cached for all trials."""
    key = {name: getattr(knobs, name) for name in Proxy.model_fields}
    found = task.cached(STAGE, key, lambda context: train(task, knobs, context))
    return {site.path: 1.0 - float(found[site.path]) for site in task.sites()}


def shares(task: Task, knobs: Proxy, budget: int) -> dict[str, int]:
    """The budget in whole ReLUs by site path: water-filled in proportion to the sensitivities."""
    alphas = sensitivities(task, knobs)
    counts = whole(list(alphas.values()), [site.relus for site in task.sites()], budget)
    return dict(zip(alphas, counts, strict=True))


def train(task: Task, knobs: Proxy, context: Context) -> Tensors:
    """Train and prune the copy; returns eta_l as a scalar by site path."""
    plain = task.fresh(SEED, {})
    feeds = feeding(plain.body, task.image)
    model = Sparse(plain, prunable(plain.body, task.image))
    recipe = Recipe(
        epochs=max(1, task.teacher_recipe.epochs if knobs.proxy_epochs is None else knobs.proxy_epochs),
        lr=knobs.proxy_lr,
        weight_decay=knobs.proxy_weight_decay,
        schedule="step",
        milestones=(0.625, 0.75, 0.875),
        **task.teacher_recipe.model_dump(include={"batch", "augment", "crop_padding", "precision", "compile"}),
    )
    forward = forward_of(model, recipe, context.device, compiled=wants_compile(recipe, context.device, context.log))

    def loss(pixels: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(forward(pixels), labels)

    def after_epoch(epoch: int, state: dict[str, float]) -> bool:
        model.prune(density_after(epoch, recipe.epochs, knobs.proxy_density))
        return False

    fit(
        context, STAGE, model, task.train, recipe, loss,
        seed=SEED, after_epoch=after_epoch, after_step=model.hold,
    )  # fmt: skip
    densities = model.densities()
    for site, layer in feeds.items():
        context.log(f"{STAGE}: {site} fed by {layer}, density {densities[layer]:.4f}")
    return {site: torch.tensor(densities[layer]) for site, layer in feeds.items()}


def density_after(epoch: int, epochs: int, target: float) -> float:
    """The share of weights kept after `epoch` (0-based) of `epochs`: falls from 1 as a cubic, and is the target from
    two thirds of the epochs on."""
    done = min(1.0, (epoch + 1) / max(1, math.floor(PRUNED_AFTER * epochs)))
    return target + (1 - target) * (1 - done) ** 3


def feeding(model: nn.Module, image: tuple[int, int, int]) -> dict[str, str]:
    """By site path, in order of execution, the path of the layer that feeds it (see `_watch.Activation.feeds`).

    Raises InputError where a site is fed by none, or by one without a weight of its own."""
    found = {}
    for one in watch(model, image).activations:
        if one.feeds is None or not has_weight(model, one.feeds):
            wanted = "a convolution, as a module, before every ReLU"
            raise InputError("a ReLU whose sensitivity cannot be told", where=one.path, expected=wanted, got=one.feeds)
        found[one.path] = one.feeds
    return found


def prunable(model: nn.Module, image: tuple[int, int, int]) -> tuple[str, ...]:
    """Paths of the layers to be pruned, in order of execution: all convolutions, and linear layers that feed a ReLU."""
    run = watch(model, image)
    feeds = {one.feeds for one in run.activations}
    layers = [one.path for one in run.products if one.kind == "conv2d" or one.path in feeds]
    return tuple(path for path in dict.fromkeys(layers) if has_weight(model, path))


def has_weight(model: nn.Module, path: str) -> bool:
    """Whether the module at `path` holds its weight as a parameter."""
    return isinstance(getattr(model.get_submodule(path), "weight", None), nn.Parameter)


@final
class Sparse(nn.Module):
    """A network some of whose weights are held at zero. The masks are buffers, so that they outlive a crash."""

    def __init__(self, model: Classifier, layers: Sequence[str]) -> None:
        """`layers`: module paths in the body. Their weights are trained, those that the network froze as well."""
        super().__init__()
        self.model = model
        self.layers = tuple(layers)
        for index, weight in enumerate(self.weights()):
            weight.requires_grad_(True)
            self.register_buffer(f"kept{index}", torch.ones_like(weight, dtype=torch.bool))

    def weights(self) -> list[nn.Parameter]:
        """In the order of the layers."""
        return [self.model.body.get_parameter(f"{path}.weight") for path in self.layers]

    def masks(self) -> list[Tensor]:
        """Bool, shaped as the weights, in the order of the layers."""
        return [self.get_buffer(f"kept{index}") for index in range(len(self.layers))]

    def densities(self) -> dict[str, float]:
        """By layer the share of its weights that are kept."""
        return {path: float(kept.double().mean()) for path, kept in zip(self.layers, self.masks(), strict=True)}

    @torch.no_grad()
    def prune(self, density: float) -> None:
        """Keep the largest weights of all layers together (ties: the earlier one), but at least one of each layer."""
        sizes = [weight.detach().abs().flatten() for weight in self.weights()]
        for size in sizes:
            size[size.argmax()] = torch.inf
        flat = torch.cat(sizes)
        kept = torch.zeros_like(flat, dtype=torch.bool)
        kept[flat.argsort(descending=True, stable=True)[: round(density * len(flat))]] = True
        parts = torch.split(kept, [len(size) for size in sizes])
        for mask, part in zip(self.masks(), parts, strict=True):
            mask.copy_(part.view_as(mask))
        self.hold()

    @torch.no_grad()
    def hold(self) -> None:
        """Set what is pruned to zero again; to be called after every step."""
        for weight, mask in zip(self.weights(), self.masks(), strict=True):
            weight.mul_(mask)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) -> logits (B, classes)."""
        logits: Tensor = self.model(pixels)
        return logits
