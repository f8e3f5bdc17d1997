"""One run of a network, watched operator by operator: what it really evaluates, and in which module.

The network runs once, in eval mode and without gradients, on a copy that shares its parameters: buffers, hooks and
training flags of the given one stay as they are. Operators are seen below Python (TorchDispatchMode), so nn.ReLU,
F.relu, x.relu() and x.clamp(min=0) are all the same here. Operators inside a gate are not listed: a gate is one
activation, whatever it computes, with its input and output kept for the counter to judge.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from frontier.errors import InputError
from frontier.nn._operators import effect
from frontier.nn.gates import Gate


@dataclass(frozen=True)
class Activation:
    """A non-linearity that was evaluated. `operator` is its ATen name; for a gate, see `gate`, `before`, `after`.

    `feeds` is the path of the product whose output it activates: of those that reach it, the first since the previous
    activation (a residual branch's last convolution, which runs before the shortcut's), or else the last before.
    """

    path: str
    operator: str
    shape: tuple[int, ...]  # without the batch
    gate: Gate | None = None
    before: Tensor | None = None  # (1, C, H, W)
    after: Tensor | None = None
    feeds: str | None = None


@dataclass(frozen=True)
class Product:
    """A convolution or fully connected layer that was evaluated; figures per image."""

    path: str
    kind: str
    macs: int
    input_elements: int
    output_elements: int


@dataclass(frozen=True)
class Run:
    """What one run evaluated, in order of execution, and the network's output."""

    activations: tuple[Activation, ...]
    products: tuple[Product, ...]
    output: Tensor


@torch.inference_mode(mode=False)  # in inference mode composite operators reach the recorder whole
def watch(model: nn.Module, image: tuple[int, ...], *, seed: int = 0) -> Run:
    """Run `model` on one random image (C, H, W) of numbers in [-1, 1].

    Raises InputError where it evaluates a non-linearity that is not pointwise (max-pooling, softmax, layer norm):
    frontier counts pointwise activations only, and such a network must not look cheaper than it is."""
    network = copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()}).eval()
    place = next(iter([*network.parameters(), *network.buffers()]), torch.empty(0))
    dtype = place.dtype if place.is_floating_point() else torch.float32
    pixels = torch.rand((1, *image), generator=torch.Generator().manual_seed(seed)) * 2 - 1
    pixels = pixels.to(device=place.device, dtype=dtype)
    recorder = _Recorder(pixels)
    with contextlib.ExitStack() as hooks, torch.no_grad(), recorder:
        for path, module in network.named_modules():
            for handle in recorder.follow(path, module):
                hooks.callback(handle.remove)  # the counter probes these gates afterwards, unwatched
        output = network(pixels)
    return Run(tuple(recorder.activations), tuple(recorder.products), output)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves this class untyped
    """Follows which tensors depend on the image, and which module is running."""

    def __init__(self, pixels: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.activations: list[Activation] = []
        self.products: list[Product] = []
        self.running: list[tuple[str, nn.Module]] = []
        self.gates_open = 0
        self.reached: dict[int, Any] = {}  # storages that the image reached; held, so that no address is used twice
        self.sources: dict[int, frozenset[int]] = {}  # by the same key: the products behind it, by their numbers
        self.since = 0  # number of the first product after the previous activation
        self.paths: dict[str, int] = {}
        self.reach(pixels, frozenset())

    def reach(self, tensor: Tensor, sources: frozenset[int]) -> None:
        storage = tensor.untyped_storage()
        self.reached[storage._cdata] = storage
        self.sources[storage._cdata] = sources

    def depends(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value.untyped_storage()._cdata in self.reached

    def behind(self, tensors: Sequence[Tensor]) -> frozenset[int]:
        known = (self.sources.get(tensor.untyped_storage()._cdata, frozenset()) for tensor in tensors)
        return frozenset[int]().union(*known)

    def activated(self, sources: frozenset[int]) -> str | None:
        """The product that an activation behind `sources` is fed by; it is the previous activation from now on."""
        recent = [number for number in sources if number >= self.since]
        self.since = len(self.products)
        return self.products[min(recent) if recent else max(sources)].path if sources else None

    def unique(self, path: str) -> str:
        self.paths[path] = self.paths.get(path, 0) + 1
        return path if self.paths[path] == 1 else f"{path}#{self.paths[path]}"

    def follow(self, path: str, module: nn.Module) -> tuple[RemovableHandle, RemovableHandle]:
        before: list[Tensor] = []

        def enter(module: nn.Module, args: tuple[Any, ...]) -> None:
            self.running.append((path, module))
            if isinstance(module, Gate):
                self.gates_open += 1
                before.append(args[0].clone())

        def leave(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            self.running.pop()
            if isinstance(module, Gate):
                self.gates_open -= 1
                shape = tuple(output.shape[1:])
                if output.shape != args[0].shape:
                    raise InputError("a gate that changes the shape", where=path, got=shape)
                feeds = self.activated(self.behind([args[0]]))
                here = Activation(self.unique(path), "gate", shape, module, before.pop(), output.clone(), feeds)
                self.activations.append(here)

        return module.register_forward_pre_hook(enter), module.register_forward_hook(leave)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        reached = [leaf for leaf in tree_leaves((args, kwargs)) if self.depends(leaf)]
        name = func.overloadpacket.__name__.rstrip("_")
        result = func(*args, **(kwargs or {}))
        if reached:
            outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
            sources = self.behind(reached)
            if not self.gates_open:
                sources |= self.note(name, args, outputs, sources)
            elif name in PRODUCTS:
                raise InputError("a gate that mixes positions", where=self.running[-1][0], got=name)
            for output in outputs:
                self.reach(output, sources)
        return result

    def note(self, name: str, args: tuple[Any, ...], outputs: list[Tensor], sources: frozenset[int]) -> frozenset[int]:
        """List what an operator is; returns what it adds to the products behind its output."""
        path, module = self.running[-1]
        kind = effect(name, args, self.depends)
        if kind == "unsupported":
            raise InputError(
                f"a non-linearity that cannot be counted: {name}",
                where=path or "the network itself",
                expected="convolutions, sums, average pooling, batch norm, and pointwise activations",
                fix="use average pooling in place of max-pooling, batch norm in place of layer norm",
            )
        if kind == "pointwise":
            own = type(module).__module__.startswith("torch.nn")  # nn.ReLU itself, not a module that calls F.relu
            named = path if own else f"{path}.{name}".lstrip(".")
            shape = tuple(outputs[0].shape[1:])
            self.activations.append(Activation(self.unique(named), name, shape, feeds=self.activated(sources)))
        elif name in PRODUCTS:
            self.products.append(PRODUCTS[name](path, args, outputs[0]))
            return frozenset({len(self.products) - 1})
        return frozenset()


def _convolution(path: str, args: Sequence[Any], output: Tensor) -> Product:
    pixels, weight, transposed = args[0], args[1], args[6]
    taps = weight.numel() // weight.shape[0]  # multiplications behind one output (of one input, if transposed)
    macs = (pixels if transposed else output).numel() * taps
    return Product(path, "conv2d", macs, pixels.numel(), output.numel())


def _fully_connected(path: str, args: Sequence[Any], output: Tensor) -> Product:
    pixels, weight = args[-2:]
    return Product(path, "linear", pixels.numel() * weight.shape[1], pixels.numel(), output.numel())


PRODUCTS: dict[str, Callable[[str, Sequence[Any], Tensor], Product]] = {
    "addmm": _fully_connected,
    "convolution": _convolution,
    "mm": _fully_connected,
}
