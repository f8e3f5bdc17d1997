"""Task: what a method is given. It holds no test split, so choosing on test cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from frontier.masks.mask import Mask
from frontier.nn.gates import FrozenGate, Gate
from frontier.nn.network import Classifier
from frontier.nn.sites import Site, sites_of
from frontier.nn.surgery import gate
from frontier.results.spec import Options, Recipe
from frontier.training.batches import Images
from frontier.training.context import Context

Tensors = dict[str, Tensor]
# (name, what it depends on beside data, network and teacher recipe, train it) -> tensors, trained once for all trials
Cached = Callable[[str, Mapping[str, Any], Callable[[Context], Tensors]], Tensors]
Fresh = Callable[[int, Mapping[str, Any]], Classifier]  # (seed, options other than the spec's) -> untrained network


@dataclass(frozen=True)
class Trajectories:
    """Where the states of mask searches are kept (`training.trajectory`): `of` is what all searches of the task depend
    on, whatever the method; beyond the limit the states used least recently are deleted."""

    folder: Path
    of: Mapping[str, Any]
    limit_bytes: int


@dataclass(frozen=True)
class Task:
    """Linearize `teacher` (plain ReLUs, eval mode; do not change it) to at most `relu_budget` ReLUs.

    `image` is (C, H, W); `outer` the site paths that the `inner` convention leaves out. `passes`: network passes per
    training image that linearizing and finetuning may take together (None: what the recipes say). `fresh` makes an
    untrained network of the teacher's architecture, `cached` trains what several trials share. `closed`: paths of the
    sites that may keep no ReLU, whatever the budget (knob `relu_layers`).
    """

    teacher: Classifier
    image: tuple[int, int, int]
    outer: tuple[str, ...]
    train: Images
    validation: Images
    relu_budget: int
    finetune: Recipe
    seed: int
    context: Context
    teacher_recipe: Recipe
    fresh: Fresh
    cached: Cached
    options: Options = field(default_factory=dict)  # of the network
    widths: Mapping[str, int] = field(default_factory=dict)  # its options that scale the channels, with their values
    passes: float | None = None
    closed: frozenset[str] = frozenset()
    trajectories: Trajectories | None = None  # None: no search is shared

    def recipe(self, **own: Any) -> Recipe:
        """A recipe of a method's own, on images and in a precision as in finetuning."""
        return Recipe(**self.finetune.model_dump(include={"augment", "crop_padding", "precision", "compile"}), **own)

    def sites(self) -> tuple[Site, ...]:
        """The teacher's sites that may keep ReLUs, in order of execution: those that a method chooses among."""
        return tuple(site for site in self.all_sites() if site.path not in self.closed)

    def all_sites(self) -> tuple[Site, ...]:
        """The same with the closed ones."""
        return sites_of(self.teacher.body, self.image, outer=self.outer)


@dataclass(frozen=True)
class Candidate:
    """A network that a method hands back: all its gates frozen. The trial measures it and believes nothing.

    `label` says what an extra is. `options`: of the network where they are not the spec's (another width). Where a
    network was trained with several norm branches, `model` is the one that would be deployed, with the norms of
    `branch`, and `others` are the same network with the norms of each other branch.
    """

    model: Classifier
    relu_budget: int
    role: Literal["asked", "extra"] = "asked"
    label: str = ""
    options: Options | None = None
    branch: str | None = None
    others: Mapping[str, Classifier] = field(default_factory=dict)


@dataclass(frozen=True)
class Linearized:
    """The asked candidate first, then extras; `notes` are what a reader of the record must know."""

    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...] = ()


def gated(
    task: Task,
    model: Classifier,
    make: Callable[[Site], Gate] | None = None,
    *,
    closed: Callable[[Site], Gate] = FrozenGate.linear,
) -> Classifier:
    """A copy of `model` (plain ReLUs) with `make(site)` at every ReLU that may stay and `closed(site)` at the others.

    Without `make` the gates keep every ReLU, of closed sites too: for the teacher as it is, or before a mask is put in.
    """

    def at(site: Site) -> Gate:
        if make is None:
            return FrozenGate.at(site)
        return closed(site) if site.path in task.closed else make(site)

    return model.around(gate(model.body, task.image, at, outer=task.outer)).train(model.training)


def with_closed(task: Task, mask: Mask) -> Mask:
    """A mask of the sites that a method chooses among, with the closed ones besides, which keep nothing."""
    if not task.closed:
        return mask
    bits = {path: mask.bits(path) for path, _ in mask.sites}
    shapes = {site.path: site.shape for site in task.all_sites() if site.path in task.closed}
    return Mask.of({path: np.zeros(shape, np.bool_) for path, shape in shapes.items()} | bits)
