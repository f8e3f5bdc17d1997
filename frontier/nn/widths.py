"""Widths: one set of weights run at full and at half width, with batch norms for each (SENet++, slimmable networks).

The narrow network is a real one, built with fewer channels; while it trains, its convolutions and linear layers are
the leading channels of the wide network's, and its batch norms (Yu et al., ICLR 2019) and gates are its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from frontier.errors import InputError
from frontier.masks.mask import Mask
from frontier.nn.gates import FrozenGate, Gate
from frontier.nn.network import backbone
from frontier.nn.sites import Site
from frontier.nn.surgery import gates, set_mask

OWN = (nn.BatchNorm1d, nn.BatchNorm2d, Gate)  # modules whose parameters the two widths do not share


def widths_of(name: str, options: Mapping[str, bool | int | float | str]) -> dict[str, int]:
    """The options of the network `name` that scale its channels together (WIDTHS in its module), with their values;
    none for a network that does not say."""
    found = backbone(name)
    scaling: Sequence[str] = getattr(found.module, "WIDTHS", ())
    parameters = inspect.signature(found.build).parameters if scaling else {}
    values = {key: options.get(key, parameters[key].default if key in parameters else None) for key in scaling}
    found_widths = {key: value for key, value in values.items() if type(value) is int}
    if len(found_widths) < len(values):
        raise InputError("WIDTHS is not what it must be", where=f"network '{name}'", expected="int options", got=values)
    return found_widths


def halved(widths: Mapping[str, int]) -> dict[str, int]:
    """The same options at half width. Raises InputError where there are none, or where one is odd."""
    if not widths or any(width % 2 for width in widths.values()):
        raise InputError(
            "this network has no half width",
            expected="a backbone whose module names its widths in WIDTHS, each of them even",
            got=dict(widths) or "no WIDTHS",
        )
    return {key: width // 2 for key, width in widths.items()}


def shared(narrow: nn.Module, wide: nn.Module) -> dict[str, tuple[slice, ...]]:
    """By name the parameters of `narrow` that are leading channels of `wide`'s, and where they lie in those.

    Raises InputError where `wide` has no such parameter, or a smaller one."""
    own = {id(p) for module in narrow.modules() if isinstance(module, OWN) for p in module.parameters()}
    there = dict(wide.named_parameters())
    found = {}
    for name, parameter in narrow.named_parameters():
        if id(parameter) in own:
            continue
        whole = there.get(name)
        if whole is None or tuple(map(min, parameter.shape, whole.shape)) != tuple(parameter.shape):
            got = None if whole is None else tuple(whole.shape)
            wanted = f"a weight of {tuple(parameter.shape)} or larger"
            raise InputError("not a narrower copy of the wide network", where=name, expected=wanted, got=got)
        found[name] = tuple(slice(size) for size in parameter.shape)
    return found


@final
class Sliced(nn.Module):
    """Calls `narrow` with the weights that it shares with `wide`, whose module paths are the same."""

    def __init__(self, narrow: nn.Module, wide: nn.Module) -> None:
        super().__init__()
        self.narrow = narrow
        self.wide = wide
        self.shared = shared(narrow, wide)

    def forward(self, pixels: Tensor) -> Any:
        """What `narrow` returns. Gradients reach the parameters of `wide`, and the norms and gates of `narrow`."""
        wide = dict(self.wide.named_parameters())
        weights = {name: wide[name][place] for name, place in self.shared.items()}
        return torch.func.functional_call(self.narrow, weights, (pixels,))


@torch.no_grad()
def settle(narrow: nn.Module, wide: nn.Module) -> None:
    """Copy the shared weights into `narrow` for good: from now on it runs alone."""
    for name, place in shared(narrow, wide).items():
        narrow.get_parameter(name).copy_(wide.get_parameter(name)[place])


def leading(mask: Mask, sites: Sequence[Site]) -> Mask:
    """The mask of the narrow network with these sites: the leading channels of the wide one's."""
    return Mask.of({site.path: mask.bits(site.path)[: site.shape[0]].copy() for site in sites})


def freeze_as(narrow: nn.Module, wide: nn.Module, sites: Sequence[Site]) -> None:
    """Frozen gates for the narrow body, in place, as the wide body has them: the leading channels of its masks and
    of its polynomials, which are trained apart from now on. `sites` are the narrow network's."""
    frozen = {path: found for path, found in gates(wide).items() if isinstance(found, FrozenGate)}
    mask = Mask.of({path: found.kept.cpu().numpy() for path, found in frozen.items()})
    coefficients = {
        site.path: found.coefficients[:, : site.shape[0]]
        for site in sites
        if (found := frozen[site.path]).coefficients is not None
    }
    set_mask(narrow, leading(mask, sites), coefficients)
