"""Lowering: a linearized network, traced by torch.fx, becomes a plan; the plan is run and must give the same logits.

Batch norms are folded into the product before them. What is not known is refused with its place: a plan that left
something out would measure another network.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Sequence
from typing import Any, final

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional

from frontier.engines import _layers
from frontier.engines._plan import Add, Plan, Product, Reshape, Scale, Shape, Step, in_clear
from frontier.errors import InputError, VerificationError
from frontier.nn.gates import FrozenGate, Gate
from frontier.nn.surgery import TRACE_ERRORS

TOLERANCE = 1e-9  # of the largest logit: both sides are float64, summed in another order
ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")
IN_PLACE = (operator.iadd, "add_")
FLATTENINGS = (torch.flatten, torch.reshape, torch.squeeze, "flatten", "reshape", "view", "squeeze", "contiguous")
MEANS = (torch.mean, "mean")
UNCHANGED = (nn.Identity, nn.Dropout, nn.Dropout2d)


def lower(body: nn.Module, image: Shape) -> Plan:
    """The plan of a network of FrozenGates for one normalised image (C, H, W), as the network is in eval mode.

    Raises InputError, naming the place, for what cannot be lowered.
    """
    network = copy.deepcopy(body).double().eval().requires_grad_(requires_grad=False)
    try:
        graph = _Tracer().trace(network)
    except TRACE_ERRORS as error:
        raise InputError(
            f"torch.fx cannot follow this network's forward ({error})", expected="a forward without branches on data"
        ) from None
    traced = fx.GraphModule(network, graph)
    pixels = torch.rand((1, *image), generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1
    ShapeProp(traced).propagate(pixels)
    plan = _Lowering(traced, image).plan()
    expected, found = network(pixels)[0], in_clear(plan, pixels[0])
    within = TOLERANCE * max(1.0, float(expected.abs().max()))
    if found.shape != expected.shape or not float((found - expected).abs().max()) <= within:
        raise VerificationError("the plan of the network does not give its logits")
    return plan


@final
class _Tracer(fx.Tracer):
    """Follows a forward down to torch's own modules and the gates."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Gate) or super().is_leaf_module(m, module_qualified_name)


@final
class _Lowering:
    """Goes through a traced network in order of execution and appends steps."""

    def __init__(self, traced: fx.GraphModule, image: Shape) -> None:
        self.nodes = list(traced.graph.nodes)
        self.modules = dict(traced.named_modules())
        self.steps: list[Step] = []
        self.shapes: list[Shape] = [image]
        self.values: dict[fx.Node, int] = {}

    def plan(self) -> Plan:
        output = None
        for node in self.nodes:
            if node.op == "placeholder":
                self.values[node] = 0
            elif node.op == "output":
                output = self.value(node, node.args[0])
            elif _shape(node) is not None:  # sizes and their arithmetic are no values
                self.values[node] = self.lowered(node)
        if output != len(self.steps) or output == 0:
            raise InputError("the logits are not what the network computes last", expected="one chain to the logits")
        return Plan(tuple(self.steps), tuple(self.shapes))

    def where(self, node: fx.Node) -> str:
        """The module path of a node; for a function the module that calls it."""
        if node.op == "call_module":
            return str(node.target)
        inside = [str(path) for path, _ in (node.meta.get("nn_module_stack") or {}).values()]
        return ".".join([*inside[-1:], node.name])

    def value(self, node: fx.Node, argument: Any) -> int:
        """The number of the value that an argument of a node is."""
        if not isinstance(argument, fx.Node) or argument not in self.values:
            raise _layers.unknown(self.where(node), f"{node.target} of {argument}")
        return self.values[argument]

    def append(self, step: Step, shape: Shape) -> int:
        self.steps.append(step)
        self.shapes.append(shape)
        return len(self.steps)

    def lowered(self, node: fx.Node) -> int:
        """Appends what a node computes; the number of its value."""
        if node.op == "get_attr":
            raise _layers.unknown(self.where(node), f"the tensor {node.target}")
        source, path, shape = self.value(node, node.args[0]), self.where(node), _shape(node) or ()
        if node.op == "call_module":
            return self.module(node, source, path, shape)
        if node.target in ADDITIONS:
            return self.addition(node, source, path)
        if node.target in FLATTENINGS:
            return self.reshaped(source, shape)
        if node.target in MEANS:
            over = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
            if isinstance(over, Sequence) and sorted(axis % 4 for axis in over if isinstance(axis, int)) == [2, 3]:
                channels = self.shapes[source][0]
                pool = _layers.adaptive(path, source, self.shapes[source], 1)
                return self.reshaped(self.append(pool, (channels, 1, 1)), shape)
        if node.target is functional.avg_pool2d:
            return self.append(_layers.average_of(node, path, source), shape)
        if node.target is functional.adaptive_avg_pool2d:
            size = node.args[1] if len(node.args) > 1 else node.kwargs["output_size"]
            return self.append(_layers.adaptive(path, source, self.shapes[source], size), shape)
        raise _layers.unknown(path, str(node.target))

    def module(self, node: fx.Node, source: int, path: str, shape: Shape) -> int:
        module = self.modules[str(node.target)]
        step: Step
        match module:
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                return self.norm(node, source, path)
            case nn.Flatten():
                return self.reshaped(source, shape)
            case FrozenGate():
                step = _layers.gate(module, path, source)
            case nn.Conv2d():
                step = _layers.convolution(module, path, source)
            case nn.Linear() if len(self.shapes[source]) == 1:
                step = Product(path, source, module.weight, _layers.bias_of(module))
            case nn.AvgPool2d():
                step = _layers.average(module, path, source)
            case nn.AdaptiveAvgPool2d():
                step = _layers.adaptive(path, source, self.shapes[source], module.output_size)
            case _ if isinstance(module, UNCHANGED):
                return source
            case _:
                raise _layers.unknown(path, type(module).__name__)
        return self.append(step, shape)

    def norm(self, node: fx.Node, source: int, path: str) -> int:
        """Folded into the product before it where nobody else reads that; a step of its own elsewhere."""
        factor, shift = _layers.affine(self.modules[path], path)
        made = self.steps[source - 1] if source else None
        readers = [user for known, value in self.values.items() if value == source for user in known.users]
        if isinstance(made, Product) and [user for user in readers if user not in self.values] == [node]:
            self.steps[source - 1] = _layers.folded(made, factor, shift)
            return source
        return self.append(Scale(path, source, factor, shift), self.shapes[source])

    def addition(self, node: fx.Node, left: int, path: str) -> int:
        right = self.value(node, node.args[1] if len(node.args) > 1 else None)
        read_again = node.target in IN_PLACE and len(node.all_input_nodes[0].users) > 1
        if node.kwargs or read_again or self.shapes[left] != self.shapes[right]:
            raise InputError(
                "a sum that cannot be followed",
                where=path,
                expected="two values of one shape, none changed in place and read again",
                got=f"{self.shapes[left]} and {self.shapes[right]}{', in place' * read_again}",
            )
        return self.append(Add(left, right), self.shapes[left])

    def reshaped(self, source: int, shape: Shape) -> int:
        return source if shape == self.shapes[source] else self.append(Reshape(source, shape), shape)


def _shape(node: fx.Node) -> Shape | None:
    """Of a node that is a tensor, without its batch of one."""
    shape = getattr(node.meta.get("tensor_meta"), "shape", None)
    return None if shape is None else tuple(shape[1:])
