"""What an ATen operator does to an activation: linear, pointwise non-linear, or beyond what can be counted.

The list is of what is known to be linear (or to move data); everything else is a non-linearity, so that nothing
slips through by being new. A product counts as linear while at most one factor depends on the image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

Effect = Literal["linear", "pointwise", "unsupported"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MOVES = _names(
    """
    _reshape_alias _to_copy _unsafe_view alias as_strided cat chunk clone col2im constant_pad_nd contiguous copy
    detach diagonal empty_like expand flatten flip fill full_like gather im2col index index_select lift_fresh
    masked_fill narrow new_empty new_full new_ones new_zeros ones_like permute pixel_shuffle pixel_unshuffle
    reflection_pad2d repeat replicate_pad2d reshape roll select slice slice_scatter split split_with_sizes squeeze
    stack t transpose unbind unflatten unfold unsqueeze view where zero zeros_like
    """
)
SUMS = _names(
    """
    _adaptive_avg_pool2d add adaptive_avg_pool2d avg_pool2d cumsum mean mkldnn_adaptive_avg_pool2d neg rsub sub sum
    upsample_bilinear2d upsample_nearest2d
    """
)
FACTORS = {  # positions of the factors among an operator's arguments
    **dict.fromkeys(_names("_convolution bmm convolution cudnn_convolution dot linear matmul mm mul mv"), (0, 1)),
    **dict.fromkeys(_names("mkldnn_convolution"), (0, 1)),
    **dict.fromkeys(_names("addbmm addcmul addmm addmv baddbmm"), (1, 2)),
}
NORMS = {  # position of the flag that says: with the statistics of this batch, which is not linear
    "_native_batch_norm_legit_no_training": None,
    "cudnn_batch_norm": 5,
    "miopen_batch_norm": 5,
    "native_batch_norm": 5,
}
COMPARISONS = _names("eq ge gt le lt ne")
POINTWISE = COMPARISONS | _names(
    """
    _prelu_kernel abs addcdiv addcmul celu clamp clamp_max clamp_min cos div elu erf exp fmax fmin gelu hardshrink
    hardsigmoid hardswish hardtanh leaky_relu log log_sigmoid_forward maximum minimum mish mul pow prelu reciprocal
    relu round rrelu_with_noise rsqrt selu sgn sigmoid sign silu sin softplus softshrink sqrt square tanh threshold
    trunc
    """
)


def effect(name: str, args: Sequence[Any], depends: Callable[[Any], bool]) -> Effect:
    """The effect of operator `name` (no trailing underscore); `depends(x)`: x is a tensor that the image reaches."""
    linear = (
        name in MOVES
        or name in SUMS
        or (name in FACTORS and sum(depends(args[at]) for at in FACTORS[name] if at < len(args)) <= 1)
        or (name == "div" and not depends(args[1]))
        or (name in NORMS and _uses_running_statistics(name, args))
        or _decides_only(name, args)
    )
    if linear:
        return "linear"
    return "pointwise" if name in POINTWISE else "unsupported"


def _uses_running_statistics(name: str, args: Sequence[Any]) -> bool:
    flag = NORMS[name]
    return flag is None or args[flag] is False


def _decides_only(name: str, args: Sequence[Any]) -> bool:
    """A comparison of a single number, or reading it: that steers Python's control flow, it activates nothing."""
    return (name in COMPARISONS or name == "_local_scalar_dense") and args[0].numel() == 1
