"""The offline phase of an inference, simulated: both parties draw the client's masks from a common seed.

In DELPHI (Mishra et al., USENIX Security 2020) the client learns its share of every linear layer's output by
homomorphic encryption, before it has an image. Here both parties know the seed, so the server computes alone what that
exchange would have given it; online messages are the same. Nothing of this is secure, and none of it is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from frontier.engines._plan import Add, Gate, Plan, Pool, Product, Reshape, Scale, by_channel
from frontier.engines._ring import CLIENT, draw, encode, generator, truncate

NOTHING = torch.empty(0, dtype=torch.int64)


@dataclass(frozen=True, eq=False)
class Fresh:
    """What a step draws: the client's share of what the server's weights give, before truncation, and at a gate its
    shares of the ReLUs and squares from then on."""

    product: Tensor = NOTHING
    relus: Tensor = NOTHING
    squares: Tensor = NOTHING


@dataclass(frozen=True, eq=False)
class Shares:
    """The client's share of every value, and what every step drew."""

    values: tuple[Tensor, ...]
    fresh: tuple[Fresh, ...]


def client_shares(plan: Plan, seed: int, fraction_bits: int) -> Shares:
    """Those of one inference: all that the client does at positions where no ReLU and no square is."""
    drawn = generator(seed, "masks")
    values = [draw(plan.shapes[0], drawn)]
    fresh = []
    for step, shape in zip(plan.steps, plan.shapes[1:], strict=True):
        new, here = Fresh(), values[step.left if isinstance(step, Add) else step.source]
        if isinstance(step, Product | Scale):
            new = Fresh(draw(shape, drawn))
            here = truncate(new.product, fraction_bits, CLIENT)
        elif isinstance(step, Gate):
            sizes = (len(step.polynomials), len(step.relus), len(step.squares))
            new = Fresh(*(draw((size,), drawn) for size in sizes))
            here = here.flatten().clone()
            here[step.relus] = new.relus
            here[step.polynomials] = truncate(new.product, fraction_bits, CLIENT)
            here = here.view(shape)
        elif isinstance(step, Add):
            here = here + values[step.right]
        elif isinstance(step, Pool):
            here = pooled(step, here, fraction_bits, CLIENT)
        else:
            here = here.reshape(shape)
        values.append(here)
        fresh.append(new)
    return Shares(tuple(values), tuple(fresh))


def pooled(step: Pool, share: Tensor, fraction_bits: int, party: int) -> Tensor:
    """A party's share of an average: its sums times the encoded 1/divisor, truncated."""
    weight = int(encode(torch.tensor(1 / step.divisor, dtype=torch.float64), fraction_bits))
    return truncate(step.sums(share) * weight, fraction_bits, party)


@dataclass(frozen=True, eq=False)
class Weights:
    """A plan's weights in the ring; biases and the like at twice the fraction bits, as products are."""

    factors: tuple[Tensor, ...]  # of every step; at a gate the slopes and curves (2, polynomials)
    shifts: tuple[Tensor, ...]

    @classmethod
    def of(cls, plan: Plan, fraction_bits: int) -> Weights:
        """Raises InputError for weights that fixed point cannot hold."""
        factors, shifts = [], []
        for step, shape in zip(plan.steps, plan.shapes[1:], strict=True):
            factor = shift = torch.empty(0)
            if isinstance(step, Product):
                factor, shift = step.weight, by_channel(step.bias, len(shape))
            elif isinstance(step, Scale):
                factor, shift = (by_channel(values, len(shape)) for values in (step.factor, step.shift))
            elif isinstance(step, Gate):
                factor, shift = step.coefficients[1:], step.coefficients[0]
            factors.append(encode(factor, fraction_bits))
            shifts.append(encode(shift, 2 * fraction_bits))
        return cls(tuple(factors), tuple(shifts))


def server_offsets(plan: Plan, weights: Weights, shares: Shares, check: Callable[[], None]) -> tuple[Tensor, ...]:
    """Of every step, what the server adds to its own product online: the weights times the client's share of the input
    less the client's share of the output, and the bias. `check` is called between steps, which may take seconds."""
    offsets = []
    for step, factor, shift, fresh in zip(plan.steps, weights.factors, weights.shifts, shares.fresh, strict=True):
        check()
        offset = NOTHING
        if isinstance(step, Product):
            offset = step.linear(shares.values[step.source], factor) - fresh.product + shift
        elif isinstance(step, Scale):
            offset = shares.values[step.source] * factor - fresh.product + shift
        elif isinstance(step, Gate):
            there = shares.values[step.source].flatten()[step.polynomials]
            offset = polynomial(step, factor, there, fresh.squares) - fresh.product + shift
        elif not isinstance(step, Add | Pool | Reshape):
            raise AssertionError(step)
        offsets.append(offset)
    return tuple(offsets)


def polynomial(step: Gate, factor: Tensor, there: Tensor, squares: Tensor) -> Tensor:
    """slope x + curve x^2 on shares: `there` of x at all polynomial positions, `squares` of x^2 at the first ones."""
    slope, curve = factor[0], factor[1]
    product = slope * there
    product[: len(step.squares)] += curve[: len(step.squares)] * squares
    return product
