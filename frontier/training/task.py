"""Task: what a method is given. It holds no test split, so choosing on test cannot be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from frontier.nn.network import Classifier
from frontier.results.spec import Recipe
from frontier.training.batches import Images
from frontier.training.context import Context


@dataclass(frozen=True)
class Task:
    """Linearize `teacher` (plain ReLUs, eval mode; do not change it) to at most `relu_budget` ReLUs.

    `image` is (C, H, W); `outer` the site paths that the `inner` convention leaves out.
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


@dataclass(frozen=True)
class Candidate:
    """A network that a method hands back: all its gates frozen. The trial measures it and believes nothing."""

    model: Classifier
    relu_budget: int
    role: Literal["asked", "extra"] = "asked"


@dataclass(frozen=True)
class Linearized:
    """The asked candidate first, then extras; `notes` are what a reader of the record must know."""

    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...] = ()
