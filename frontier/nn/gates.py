"""Gates stand where a ReLU was: a learnable one for the search, and a frozen one that holds a mask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor, nn

from frontier.nn.surrogates import polynomial

if TYPE_CHECKING:  # sites are found by running a network, which has to know gates
    from frontier.nn.sites import Site


class Gate(nn.Module, ABC):
    """An activation that acts on each position (C, H, W) by itself; the counter measures how, by probing it."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        """`shape`: of one image's activations, (C, H, W)."""
        super().__init__()
        self.shape = tuple(shape)

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape and dtype."""


@final
class SoftGate(Gate):
    """x - alpha * min(x, 0): ReLU at alpha = 1, identity at alpha = 0, bit for bit.

    Equal to alpha * relu(x) + (1 - alpha) * x of SNL (Cho et al., ICML 2022, eq. 2) in fewer passes over memory.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.alpha = nn.Parameter(torch.ones(shape))

    @classmethod
    def at(cls, site: Site) -> SoftGate:
        """A gate for `site` that is still its ReLU: alpha = 1."""
        return cls(site.shape)

    def forward(self, x: Tensor) -> Tensor:
        """alpha is cast to x, so that under autocast the output keeps x's dtype."""
        negative = torch.where(x > 0, 0, x)  # slope 1 at 0, unlike clamp: with alpha = 1 the gradient there is ReLU's
        return x - self.alpha.to(x.dtype) * negative


@final
class FrozenGate(Gate):
    """ReLU where `kept`; elsewhere the identity, or a polynomial of the channel whose coefficients are trained.

    The gradient at 0 is ReLU's (0) where kept.
    """

    kept: Tensor

    def __init__(self, kept: Tensor, coefficients: Tensor | None = None) -> None:
        """`kept`: bool (C, H, W). `coefficients`: (degree + 1, C), see `surrogates.polynomial`; None: the identity."""
        super().__init__(tuple(kept.shape))
        self.register_buffer("kept", kept)
        self.coefficients = None if coefficients is None else nn.Parameter(coefficients.detach().clone())

    @classmethod
    def at(cls, site: Site) -> FrozenGate:
        """A gate for `site` that keeps every ReLU."""
        return cls(torch.ones(site.shape, dtype=torch.bool))

    @classmethod
    def linear(cls, site: Site) -> FrozenGate:
        """A gate for `site` that keeps none: the identity."""
        return cls(torch.zeros(site.shape, dtype=torch.bool))

    def forward(self, x: Tensor) -> Tensor:
        """With the identity, saves one bool a position for the backward pass, and no activation."""
        if self.coefficients is None:
            return torch.where(self.kept & (x <= 0), 0, x)
        return torch.where(self.kept, torch.relu(x), polynomial(x, self.coefficients))
