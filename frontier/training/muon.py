"""Muon: momentum whose update is orthogonalised by Newton-Schulz steps (Jordan et al. 2024), for convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final, overload

import torch
from torch import Tensor

# Quintic iteration x <- a x + b x^3 + c x^5 that pushes singular values towards 1 (Jordan et al. 2024)
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 3


def orthogonalised(gradient: Tensor) -> Tensor:
    """(O, ...) -> the same shape with the singular values of its (O, rest) matrix pushed to about 1."""
    matrix = gradient.flatten(1)
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    flat: Tensor = x.T if tall else x
    return flat.reshape(gradient.shape)


@final
class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; each filter bank is kept at the norm sqrt(number of filters)."""

    def __init__(self, params: Any, *, lr: float, momentum: float, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = ...) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, weight.grad, group)
        return loss

    def _update(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        buffer = state["momentum"].mul_(group["momentum"]).add_(gradient)
        nesterov = gradient.add(buffer, alpha=group["momentum"])
        weight.mul_(len(weight) ** 0.5 / weight.norm())
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(orthogonalised(nesterov), alpha=-group["lr"])
