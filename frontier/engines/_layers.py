"""Single layers as steps of a plan: what torch's modules and functions compute, in numbers; others are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from frontier.engines._plan import Gate, Pool, Product, Shape
from frontier.errors import InputError
from frontier.nn.gates import FrozenGate

KNOWN = "convolutions, linear layers, batch norm, sums of two, average pooling, flattening and gates"
AVERAGING = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
DEFAULTS = (None, None, 0, False, True, None)  # of avg_pool2d


def unknown(where: str, got: str) -> InputError:
    """What is raised for a layer that has no step."""
    return InputError(
        "a layer that cannot be lowered for two parties",
        where=where,
        expected=KNOWN,
        got=got,
        fix="use one of those in its place, average pooling for max-pooling say",
    )


def convolution(module: nn.Conv2d, path: str, source: int) -> Product:
    """Zero padding by numbers; 'same' only where it is the same on both sides."""
    padding = module.padding
    if isinstance(padding, str):
        both = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        if padding == "same" and any(total % 2 for total in both):
            raise unknown(path, f"padding 'same' of a kernel of {module.kernel_size}")
        padding = tuple(total // 2 if padding == "same" else 0 for total in both)
    if module.padding_mode != "zeros":
        raise unknown(path, f"padding_mode '{module.padding_mode}'")
    return Product(
        path,
        source,
        module.weight.detach(),
        bias_of(module),
        _pair(module.stride),
        _pair(padding),
        _pair(module.dilation),
        module.groups,
    )


def bias_of(module: nn.Conv2d | nn.Linear) -> Tensor:
    """(O,); zeros where the layer has none."""
    return module.weight.new_zeros(module.weight.shape[0]) if module.bias is None else module.bias.detach()


def affine(norm: nn.BatchNorm1d | nn.BatchNorm2d, path: str) -> tuple[Tensor, Tensor]:
    """Factor and shift by channel of a batch norm in eval mode."""
    if norm.running_mean is None or norm.running_var is None:
        raise unknown(path, "a batch norm without running statistics, which is not linear")
    factor = torch.rsqrt(norm.running_var + norm.eps)
    if norm.weight is not None:
        factor = factor * norm.weight.detach()
    shift = -norm.running_mean * factor
    return factor, shift if norm.bias is None else shift + norm.bias.detach()


def folded(product: Product, factor: Tensor, shift: Tensor) -> Product:
    """A product and the norm after it as one product."""
    return Product(
        product.path,
        product.source,
        product.weight * factor.view(-1, *[1] * (product.weight.ndim - 1)),
        product.bias * factor + shift,
        product.stride,
        product.padding,
        product.dilation,
        product.groups,
    )


def gate(module: FrozenGate, path: str, source: int) -> Gate:
    """ReLUs where kept; elsewhere squares and affine positions by the surrogate's coefficients."""
    kept = module.kept.flatten()
    relus, rest = kept.nonzero().flatten(), (~kept).nonzero().flatten()
    none = torch.empty(0, dtype=torch.int64)
    if module.coefficients is None:
        return Gate(path, source, relus, none, none, torch.empty(3, 0, dtype=torch.float64))
    given = module.coefficients.detach().double()
    if len(given) > 3:
        raise unknown(path, f"a polynomial surrogate of degree {len(given) - 1}")
    by_channel = torch.cat([given, given.new_zeros(3 - len(given), given.shape[1])])
    each = by_channel[:, rest // (kept.numel() // given.shape[1])]
    curved = each[2] != 0
    return Gate(path, source, relus, rest[curved], rest[~curved], torch.cat([each[:, curved], each[:, ~curved]], dim=1))


def average(module: nn.AvgPool2d, path: str, source: int) -> Pool:
    """nn.AvgPool2d."""
    return _average(path, source, {name: getattr(module, name) for name in AVERAGING})


def average_of(node: fx.Node, path: str, source: int) -> Pool:
    """A call of avg_pool2d."""
    given: dict[str, Any] = dict(zip(AVERAGING, DEFAULTS, strict=True))
    given |= dict(zip(AVERAGING, node.args[1:], strict=False))
    return _average(path, source, {**given, **{name: node.kwargs[name] for name in AVERAGING if name in node.kwargs}})


def _average(path: str, source: int, given: Mapping[str, Any]) -> Pool:
    kernel, padding = _pair(given["kernel_size"]), _pair(given["padding"])
    if given["ceil_mode"] or (any(padding) and not given["count_include_pad"]):
        raise unknown(path, "average pooling over windows of several sizes")
    stride = given["stride"]
    divisor = given["divisor_override"] or kernel[0] * kernel[1]
    return Pool(source, kernel, kernel if stride in (None, ()) else _pair(stride), padding, int(divisor))


def adaptive(path: str, source: int, shape: Shape, size: Any) -> Pool:
    """Adaptive average pooling to `size` of a value (C, H, W), where all windows are of one size."""
    if len(shape) != 3:
        raise unknown(path, f"adaptive pooling of a value of shape {shape}")
    sizes = size if isinstance(size, Sequence) else (size, size)
    asked = tuple(have if want is None else int(want) for want, have in zip(sizes, shape[1:], strict=True))
    if any(have % want for want, have in zip(asked, shape[1:], strict=True)):
        raise unknown(path, f"adaptive pooling of {shape[1]}x{shape[2]} to {asked[0]}x{asked[1]}")
    kernel = (shape[1] // asked[0], shape[2] // asked[1])
    return Pool(source, kernel, kernel, (0, 0), kernel[0] * kernel[1])


def _pair(value: Any) -> tuple[int, int]:
    first, second = value if isinstance(value, Sequence) else (value, value)
    return int(first), int(second)
