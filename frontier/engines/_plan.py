"""Plan: a network as a list of steps between numbered values, small enough for two parties to follow on shares.

Value 0 is the normalised image, value k what step k made (steps are counted from 1); all are of one image, without a
batch. Weights are float64, as the trained network has them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Product:
    """A convolution, weight (O, I / groups, kh, kw), or a fully connected layer, weight (O, I). The server's."""

    path: str
    source: int
    weight: Tensor
    bias: Tensor  # (O,)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        """The layer without its bias, in the arithmetic of `x` and `weight` (int64 is that of the ring)."""
        if self.weight.ndim == 2:
            return weight @ x
        moved: Tensor = functional.conv2d(x[None], weight, None, self.stride, self.padding, self.dilation, self.groups)
        return moved[0]


@dataclass(frozen=True, eq=False)
class Scale:
    """factor x + shift by channel: a batch norm that follows no convolution it could be folded into. The server's."""

    path: str
    source: int
    factor: Tensor  # (C,)
    shift: Tensor  # (C,)


@dataclass(frozen=True)
class Add:
    """The sum of two values: a residual addition. Each party adds its shares."""

    left: int
    right: int


@dataclass(frozen=True)
class Pool:
    """Sums over windows times 1/divisor: average pooling. Public, so that each party does it on its shares."""

    source: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    divisor: int

    def sums(self, x: Tensor) -> Tensor:
        """(C, H, W) -> the sums of its windows; zeros are around it."""
        (high, wide), (down, right) = self.kernel, self.stride
        padded = functional.pad(x, (self.padding[1], self.padding[1], self.padding[0], self.padding[0]))
        return padded.unfold(1, high, down).unfold(2, wide, right).sum((-1, -2))


@dataclass(frozen=True)
class Reshape:
    """The same numbers in another shape: flattening."""

    source: int
    shape: Shape


@dataclass(frozen=True, eq=False)
class Gate:
    """An activation site by flat position: ReLUs, squares c0 + c1 x + c2 x^2, affine ones c0 + c1 x; the identity
    elsewhere. The positions are public, the coefficients are the server's."""

    path: str
    source: int
    relus: Tensor  # int64 positions, ascending
    squares: Tensor
    affine: Tensor
    coefficients: Tensor  # (3, squares + affine): c0, c1, c2 of each, squares first

    @cached_property
    def polynomials(self) -> Tensor:
        """Positions of the squares, then of the affine ones."""
        return torch.cat([self.squares, self.affine])

    def apply(self, x: Tensor) -> Tensor:
        """In clear."""
        flat, out = x.flatten(), x.flatten().clone()
        out[self.relus] = flat[self.relus].relu()
        there = flat[self.polynomials]
        constant, slope, curve = self.coefficients
        out[self.polynomials] = constant + there * (slope + there * curve)
        return out.view(x.shape)


Step = Product | Scale | Add | Pool | Reshape | Gate


@dataclass(frozen=True)
class Plan:
    """The steps, with the shape of every value; the last value is the logits."""

    steps: tuple[Step, ...]
    shapes: tuple[Shape, ...]  # of value 0, 1, ...

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The activation sites in order of execution."""
        return tuple(step for step in self.steps if isinstance(step, Gate))

    @property
    def counts(self) -> tuple[tuple[int, int], ...]:
        """(ReLUs, squares) of every gate."""
        return tuple((len(gate.relus), len(gate.squares)) for gate in self.gates)

    @property
    def elements(self) -> tuple[int, int]:
        """How many numbers go in and come out."""
        return math.prod(self.shapes[0]), math.prod(self.shapes[-1])

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of all that the steps hold: two parties with equal hashes follow the same plan."""
        state = hashlib.sha256(repr(self.shapes).encode())
        for step in self.steps:
            state.update(type(step).__name__.encode())
            for name in type(step).__dataclass_fields__:
                field = getattr(step, name)
                is_tensor = isinstance(field, Tensor)
                state.update(f"|{name}={tuple(field.shape) if is_tensor else field}|".encode())
                if is_tensor:
                    state.update(field.contiguous().numpy().tobytes())
        return state.hexdigest()


def in_clear(plan: Plan, image: Tensor) -> Tensor:
    """The logits (classes,) of one normalised image (C, H, W), in float64."""
    values = [image.double()]
    for step in plan.steps:
        values.append(_clear(step, values))
    return values[-1]


def _clear(step: Step, values: Sequence[Tensor]) -> Tensor:
    if isinstance(step, Add):
        return values[step.left] + values[step.right]
    x = values[step.source]
    if isinstance(step, Product):
        return step.linear(x, step.weight) + by_channel(step.bias, x.ndim)
    if isinstance(step, Scale):
        return by_channel(step.factor, x.ndim) * x + by_channel(step.shift, x.ndim)
    if isinstance(step, Pool):
        return step.sums(x) / step.divisor
    if isinstance(step, Reshape):
        return x.reshape(step.shape)
    return step.apply(x)


def by_channel(values: Tensor, dimensions: int) -> Tensor:
    """(C,) as it is broadcast over a value of so many dimensions."""
    return values.view(-1, *[1] * (dimensions - 1))
