"""A gate that is a ReLU or a polynomial by an indicator with hysteresis, which a score moves and learns.

AutoReP (Peng et al., ICCV 2023), as in its authors' code: models_util/model_spReLU_relay.py in HarveyP123/AutoReP
(commit ac8f662).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from frontier.nn.gates import Gate
from frontier.nn.surrogates import SMALLEST_STD, Surrogate, dapa, degree_of, polynomial

MOMENTUM = 0.1  # of the running statistics
REFRESH_EVERY = 10  # training forwards, while the coefficients still follow the statistics


def hysteresis(score: Tensor, state: Tensor, threshold: float) -> Tensor:
    """The next state, bool: on while score > -threshold, on again from score > threshold; strictly, in score's dtype.

    `score` any shape, `state` bool of the same. Between the two thresholds a state stays what it is.
    """
    level = torch.full((), threshold, dtype=score.dtype, device=score.device)
    return torch.where(state, score > -level, score > level)


@final
class HysteresisGate(Gate):
    """relu(x) where `state`, the surrogate p(x) of the channel elsewhere.

    Each training forward first moves the state by the scores, then the running mean and variance of the inputs; at
    every tenth of the first `warmup_steps` the coefficients of p become the least-squares fit of ReLU to a normal
    distribution with that mean and that standard deviation. Evaluation moves nothing.
    """

    state: Tensor
    mean: Tensor
    variance: Tensor
    forwards: Tensor

    def __init__(
        self,
        score: Tensor,
        *,
        surrogate: Surrogate = "degree2",
        threshold: float = 0.003,
        warmup_steps: int = 500,
        curvature: float = 1.0,
    ) -> None:
        """`score` (C, H, W), one of each position. A fresh gate is a ReLU everywhere, whatever its scores.

        `curvature`: see `surrogates.dapa`.
        """
        super().__init__(tuple(score.shape))
        channels = score.shape[0]
        self.degree = degree_of(surrogate)
        self.threshold = threshold
        self.warmup_steps = warmup_steps
        self.curvature = curvature
        self.score = nn.Parameter(score.detach().clone())
        self.register_buffer("state", torch.ones(score.shape, dtype=torch.bool))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("forwards", torch.zeros((), dtype=torch.int64))
        self.coefficients = None if self.degree is None else nn.Parameter(self._fit(self.degree))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self._move(x)
        replaced = x if self.coefficients is None else polynomial(x, self.coefficients)
        chosen: Tensor = _Chosen.apply(torch.relu(x), replaced, self.score, self.state)
        return chosen

    @torch.no_grad()
    def _move(self, x: Tensor) -> None:
        """One step of all that is not learnt by gradient; without a branch on data, so that torch.compile follows."""
        self.state.copy_(hysteresis(self.score, self.state, self.threshold))
        if self.coefficients is None or self.degree is None:
            return
        axes = [axis for axis in range(x.ndim) if axis != 1]
        variance, mean = torch.var_mean(x.to(self.mean.dtype), dim=axes, correction=1)
        self.mean.lerp_(mean, MOMENTUM)
        self.variance.lerp_(variance, MOMENTUM)
        self.forwards.add_(1)
        due = (self.forwards % REFRESH_EVERY == 0) & (self.forwards <= self.warmup_steps)
        self.coefficients.copy_(torch.where(due, self._fit(self.degree), self.coefficients))

    def _fit(self, degree: int) -> Tensor:
        return dapa(self.mean, self.variance.sqrt().clamp(min=SMALLEST_STD), degree, self.curvature)


def relus_on(gates: Iterable[HysteresisGate]) -> Tensor:
    """How many states are on, over all gates -> scalar; its gradient to each score is softplus(score)."""
    counts: list[Tensor] = []
    for gate in gates:
        on: Tensor = _Indicator.apply(gate.score, gate.state)
        counts.append(on.sum())
    return torch.stack(counts).sum()


class _Indicator(torch.autograd.Function):
    """The state as a number; backwards, straight through to the score by softplus, which is positive everywhere: what
    is replaced can come back."""

    @staticmethod
    def forward(ctx: Any, score: Tensor, state: Tensor) -> Tensor:
        ctx.save_for_backward(score)
        return state.to(score.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (score,) = ctx.saved_tensors
        return grad * functional.softplus(score), None


class _Chosen(torch.autograd.Function):
    """state * kept + (1 - state) * replaced, exactly, with the same straight-through gradient to the score."""

    @staticmethod
    def forward(ctx: Any, kept: Tensor, replaced: Tensor, score: Tensor, state: Tensor) -> Tensor:
        ctx.save_for_backward(kept - replaced, score, state)
        return torch.where(state, kept, replaced)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        difference, score, state = ctx.saved_tensors
        to_score = functional.softplus(score) * (grad * difference).sum(dim=0, dtype=score.dtype)
        return torch.where(state, grad, 0), torch.where(state, 0, grad), to_score, None
