"""The ReLU counter: what a network really evaluates, measured by running it and by probing its gates.

A gate says nothing about itself. It is fed equal numbers at all positions, its real input, and that negated. A
position where the output is affine in the input costs nothing, one where it is quadratic is a square, any other is
counted as a ReLU (a leaky ReLU needs the same comparison). A pointwise non-linearity outside a gate counts whole.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection

import torch
from torch import Tensor, nn

from frontier.nn._watch import Activation, watch
from frontier.results.profile import SiteProfile

MAGNITUDES = (2.0**-6, 0.125, 0.5, 1.0, 2.0, 4.0, 32.0, 1024.0)
TOLERANCE = 1e-5  # relative to the terms of the fitted polynomial; float32 rounds at 1e-7
EXACT = 1e-12  # the same for probes in float64: a curve that float32 would not show is a square all the same


def count_relus(
    model: nn.Module, image: tuple[int, int, int], *, outer: Collection[str] = ()
) -> tuple[SiteProfile, ...]:
    """Sites in order of execution for an image (C, H, W). Raises InputError for what cannot be counted."""
    return tuple(count_activation(one, inner=one.path not in outer) for one in watch(model, image).activations)


def count_activation(activation: Activation, *, inner: bool) -> SiteProfile:
    """The count of one watched activation."""
    relus = math.prod(activation.shape)
    if activation.gate is None:
        kept, squares = relus, 0
    else:
        kept, squares = _probe(activation)
    return SiteProfile(
        path=activation.path, shape=activation.shape, relus=relus, kept=kept, squares=squares, inner=inner
    )


def _probe(activation: Activation) -> tuple[int, int]:
    assert activation.gate is not None
    assert activation.before is not None
    assert activation.after is not None
    judged = copy.deepcopy(activation.gate).double()  # in float32 a weak curve drowns in the rounding of the slope
    before, after = activation.before.double(), activation.after.double()
    levels = [0.0, *MAGNITUDES, *(-magnitude for magnitude in MAGNITUDES)]
    column = torch.tensor(levels, dtype=before.dtype, device=before.device).view(-1, *[1] * len(activation.shape))
    fed = column.expand(len(levels), *activation.shape).contiguous()
    with torch.no_grad():
        answers = judged(fed.clone()).double()
        mirrored = judged(-before).double()
    at = {level: answers[index] for index, level in enumerate(levels)}
    constant = at[0.0]
    slope = (at[1.0] - at[-1.0]) / 2
    curve = (at[1.0] + at[-1.0]) / 2 - constant
    x, y = torch.cat([fed, before, -before]), torch.cat([answers, after, mirrored])
    quadratic = _fits(x, y, constant, slope, curve, TOLERANCE)
    affine = _fits(fed, answers, constant, slope, torch.zeros_like(curve), EXACT)
    return int((~quadratic).sum()), int((quadratic & ~affine).sum())


def _fits(x: Tensor, y: Tensor, constant: Tensor, slope: Tensor, curve: Tensor, tolerance: float) -> Tensor:
    """Positions where y is the polynomial in x, over all rows: bool (C, H, W). NaN fits nothing."""
    scale = constant.abs() + (slope * x).abs() + (curve * x * x).abs()
    error = (y - (constant + slope * x + curve * x * x)).abs()
    return (error <= tolerance * scale).all(dim=0)
