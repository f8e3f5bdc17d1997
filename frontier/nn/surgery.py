"""Surgery: put a gate where every ReLU is, found by running the network, and check by running that none is left.

nn.ReLU modules that are used once are replaced at their path, which keeps the network's own class and forward. A
functional ReLU, one that is used twice, or an in-place one whose input is used again needs the forward rewritten:
torch.fx traces it. Either way the result must reproduce the given network bit for bit with every ReLU kept.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence

import torch
from torch import Tensor, fx, nn

from frontier.errors import InputError, MaskError
from frontier.masks.mask import Mask
from frontier.nn._watch import watch
from frontier.nn.gates import FrozenGate, Gate
from frontier.nn.sites import Site

RELU_FUNCTIONS = (nn.functional.relu, torch.relu, torch.relu_)
RELU_METHODS = ("relu", "relu_")
TRACE_ERRORS = (fx.proxy.TraceError, TypeError, ValueError, RuntimeError, AttributeError, NotImplementedError)


def gate(
    model: nn.Module,
    image: tuple[int, int, int],
    make: Callable[[Site], nn.Module],
    *,
    outer: Collection[str] = (),
) -> nn.Module:
    """A new network with `make(site)`, a Gate, at every ReLU of `model`; parameters and buffers are copies.

    Raises InputError, naming the places, if `model` evaluates another activation or a ReLU cannot be gated."""
    run = watch(model, image)
    foreign = [f"{one.operator} at {one.path}" for one in run.activations if one.operator != "relu"]
    if foreign:
        raise InputError("activations that are not plain ReLUs", expected="nn.ReLU or a functional relu", got=foreign)
    sites = tuple(Site(one.path, one.shape, one.path not in outer) for one in run.activations)
    for rebuild in (_swapped, _retraced):
        network = rebuild(model, sites)
        if network is not None and _faithful(network, image, sites, model, run.output):
            break
    else:
        modules = dict(model.named_modules())
        left = [site.path for site in sites if not isinstance(modules.get(site.path), nn.ReLU)]
        raise InputError(
            "ReLUs that cannot be gated: torch.fx cannot follow this network's forward",
            got=left or [site.path for site in sites],
            fix="use one nn.ReLU module, not in place, for each ReLU",
        )
    for site in sites:
        made = make(site)
        if not isinstance(made, Gate) or made.shape != site.shape:
            got = f"{type(made).__name__} {getattr(made, 'shape', '')}"
            raise InputError("not a gate for this site", where=site.path, expected=f"a Gate {site.shape}", got=got)
        _place(network, site.path, made)
    return network


def gates(model: nn.Module) -> dict[str, Gate]:
    """The gates of a network by path, in the order in which its modules stand."""
    return {path: module for path, module in model.named_modules() if isinstance(module, Gate)}


def set_mask(model: nn.Module, mask: Mask, coefficients: Mapping[str, Tensor] | None = None) -> nn.Module:
    """Replace every gate by a FrozenGate of `mask`, in place, with the polynomial surrogates of `coefficients`
    (site path -> (degree + 1, C)) or the identity. Raises MaskError unless the sites are the gates'."""
    here, there = {(path, found.shape) for path, found in gates(model).items()}, set(mask.sites)
    if here != there:
        got = f"only in the network: {sorted(here - there)[:3]}; only in the mask: {sorted(there - here)[:3]}"
        raise MaskError("the mask belongs to another network", got=got)
    for path, _ in mask.sites:
        _place(model, path, FrozenGate(torch.tensor(mask.bits(path)), (coefficients or {}).get(path)))
    return model


def mask_of(model: nn.Module) -> Mask:
    """The mask that the network's FrozenGates hold. Raises InputError if another gate is among them."""
    bits = {}
    for path, here in gates(model).items():
        if not isinstance(here, FrozenGate):
            raise InputError("the gate holds no mask", where=path, expected="FrozenGate", got=type(here).__name__)
        bits[path] = here.kept.cpu().numpy()
    return Mask.of(bits)


def _place(network: nn.Module, path: str, made: Gate) -> None:
    old = network.get_submodule(path)
    place = next(iter([*old.parameters(), *old.buffers(), *network.parameters()]), torch.empty(0))
    network.set_submodule(path, made.to(place.device).train(network.training))


def _swapped(model: nn.Module, sites: Sequence[Site]) -> nn.Module | None:
    network = copy.deepcopy(model)
    modules = dict(network.named_modules())
    for site in sites:
        if isinstance(modules.get(site.path), nn.ReLU):
            _place(network, site.path, FrozenGate.at(site))
    return network


def _retraced(model: nn.Module, sites: Sequence[Site]) -> nn.Module | None:
    """The network as a torch.fx.GraphModule; None where it cannot be traced, or depends on the training flag."""
    network = copy.deepcopy(model)
    try:
        other = fx.Tracer().trace(network.train(not model.training))
        graph = fx.Tracer().trace(network.train(model.training))
    except TRACE_ERRORS:
        return None
    modules = dict(network.named_modules())
    nodes = [node for node in graph.nodes if _is_relu(node, modules)]
    if str(other) != str(graph) or len(nodes) != len(sites):
        return None
    traced = fx.GraphModule(network, graph, type(model).__name__)
    for path in modules.keys() - dict(traced.named_modules()).keys():  # modules that no forward runs keep their state
        traced.add_submodule(path, modules[path])
    for node, site in zip(nodes, sites, strict=True):  # the graph is in order of execution, and so are the sites
        traced.add_submodule(site.path, nn.Identity())
        _place(traced, site.path, FrozenGate.at(site))
        _replace(node, site.path, in_place=_in_place(node, modules))
    traced.recompile()
    return traced


def _is_relu(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], nn.ReLU)
    return (node.op == "call_function" and node.target in RELU_FUNCTIONS) or (
        node.op == "call_method" and node.target in RELU_METHODS
    )


def _in_place(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return bool(getattr(modules[str(node.target)], "inplace", False))
    return node.target in (torch.relu_, "relu_") or bool(node.kwargs.get("inplace", node.args[1:2] == (True,)))


def _replace(node: fx.Node, path: str, *, in_place: bool) -> None:
    source = node.all_input_nodes[0]
    with node.graph.inserting_after(node):
        new = node.graph.call_module(path, (source,))
    node.replace_all_uses_with(new)
    if in_place:  # whoever reads the input later read the activated one
        source.replace_all_uses_with(new, delete_user_cb=lambda user: user > node and user is not new)
    node.graph.erase_node(node)


def _faithful(
    network: nn.Module, image: tuple[int, int, int], sites: Sequence[Site], model: nn.Module, output: Tensor
) -> bool:
    """Every site is a gate of its own, nothing else is activated, no state is lost, and the output is the same."""
    run = watch(network, image)
    paths = [site.path for site in sites]
    own = set(network.state_dict()) - {f"{path}.kept" for path in paths}
    return (
        [one.path for one in run.activations if one.gate is not None] == paths
        and len(run.activations) == len(paths)
        and gates(network).keys() == set(paths)
        and own == set(model.state_dict())
        and torch.equal(run.output, output)
    )
