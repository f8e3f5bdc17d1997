"""Sites: where a network evaluates an activation, found by running it, so that functional ReLUs are found too."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from torch import nn

from frontier.nn._watch import watch


@dataclass(frozen=True)
class Site:
    """`path` is the ReLU's module path, or `MODULE.relu` for a functional one in MODULE; a second use adds `#2`."""

    path: str
    shape: tuple[int, ...]  # (C, H, W)
    inner: bool  # False for the stem / final ReLU that the `inner` convention leaves out

    @property
    def relus(self) -> int:
        """Activation positions, C x H x W."""
        return math.prod(self.shape)


def sites_of(model: nn.Module, image: tuple[int, int, int], *, outer: Collection[str] = ()) -> tuple[Site, ...]:
    """Every activation of `model` on an image (C, H, W), in order of execution. `outer`: see a backbone's OUTER."""
    found = watch(model, image).activations
    return tuple(Site(one.path, one.shape, one.path not in outer) for one in found)
