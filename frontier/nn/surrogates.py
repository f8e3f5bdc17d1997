"""Surrogates: what a position computes once its ReLU is gone. The identity, or a polynomial with trained coefficients.

A polynomial starts as the least-squares fit of the ReLU to a normal distribution (DaPa: AutoReP, Peng et al., ICCV
2023) with the mean and standard deviation that its channel's inputs have.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

Surrogate = Literal["identity", "degree0", "degree1", "degree2"]
SMALLEST_STD = 1e-3  # a channel that is nearly constant: the curvature phi / (2 std) would have no bound


def degree_of(surrogate: Surrogate) -> int | None:
    """The degree of a polynomial surrogate, None for the identity."""
    return None if surrogate == "identity" else int(surrogate.removeprefix("degree"))


def dapa(mean: Tensor, std: Tensor, degree: int, curvature: float = 1.0) -> Tensor:
    """argmin over c of E[(relu(x) - sum_k c_k x^k)^2] for x ~ N(mean, std^2), elementwise.

    `mean`, `std` (standard deviation, not variance; above 0): any equal shapes (...). Returns (degree + 1, ...).
    By the Hermite expansion of relu around the mean, with r = mean/std, phi and Phi the normal density and
    distribution function at r:  degree 2: c = (phi (mean^2 + std^2) / (2 std), Phi - r phi, phi / (2 std));
    degree 1: (std phi, Phi);  degree 0: (mean Phi + std phi).
    Of degree 2, `curvature` is the share of c_2 that is taken; c_0 and c_1 are the best for it. By the same expansion
    that is a mean of degrees 1 and 2. Where a network has quadratics one after the other, less curvature keeps what
    is large from growing without end.
    """
    r = mean / std
    phi = torch.exp(-r * r / 2) / math.sqrt(2 * math.pi)
    cdf = torch.special.ndtr(r)
    if degree == 0:
        return torch.stack([mean * cdf + std * phi])
    if degree == 1:
        return torch.stack([std * phi, cdf])
    if degree == 2:
        flat, bend = torch.stack([std * phi, cdf, torch.zeros_like(r)]), phi / (2 * std)
        return flat + curvature * torch.stack([bend * (mean * mean - std * std), -2 * bend * mean, bend])
    raise ValueError(f"no closed form of degree {degree}; 0, 1 and 2 are known")


def polynomial(x: Tensor, coefficients: Tensor) -> Tensor:
    """sum_k c_k x^k with one polynomial a channel: x (B, C, ...), coefficients (degree + 1, C) -> as x."""
    shaped = coefficients.to(x.dtype).view(len(coefficients), -1, *[1] * (x.ndim - 2))
    value = shaped[-1].expand_as(x)
    for lower in reversed(shaped[:-1]):
        value = value * x + lower
    return value
