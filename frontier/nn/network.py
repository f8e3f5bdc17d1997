"""Networks by name: a registered backbone or a factory by its import path, and the classifier around what it builds."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from frontier import registry
from frontier.errors import FrontierError, InputError, nearest
from frontier.nn._watch import Run, watch
from frontier.nn.sites import Site
from frontier.options import positive, refuse_unfit, signature_of

IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


@dataclass(frozen=True)
class Backbone:
    """What builds a network: `build(image, classes, **options)`, and the sites that `inner` leaves out."""

    name: str
    module: ModuleType
    build: Callable[..., Any]
    outer: tuple[str, ...]


def backbone(name: str) -> Backbone:
    """The backbone of a registered name, or of an import path `pkg.module:factory`, which imports that module.

    A module beside a factory may say OUTER, as a backbone's must. Raises InputError where there is no such thing.
    """
    if ":" not in name:
        module = registry.load("backbone", name)
        return Backbone(name, module, module.build, _outer(name, module))
    where = f"network '{name}'"
    if not IMPORT_PATH.fullmatch(name):
        raise InputError(f"{where}: not an import path", expected="pkg.module:factory")
    path, _, attribute = name.partition(":")
    module = registry.outside(path)
    factory = getattr(module, attribute, None)
    if not callable(factory):
        known = [key for key, value in vars(module).items() if inspect.isroutine(value) and key[0] != "_"]
        raise InputError(f"{where}: '{path}' has no factory '{attribute}'. {nearest(attribute, known)}")
    return Backbone(name, module, factory, _outer(name, module))


def build(
    name: str,
    image: tuple[int, int, int],
    classes: int,
    *,
    sites: Literal["full", "inner"] = "full",
    options: Mapping[str, bool | int | float | str] | None = None,
) -> nn.Module:
    """The network `name` (see `backbone`) with plain ReLUs for images (C, H, W).

    Raises InputError for what it does not take, and for a factory that fails or hands back no nn.Module.
    """
    found = backbone(name)
    where = f"network '{name}'"
    if len(image) != 3 or not all(positive(size) for size in image):
        raise InputError("not an image shape", where=where, expected="three positive sizes CxHxW", got=image)
    if not positive(classes):
        raise InputError("not a number of classes", where=where, expected="a positive int", got=classes)
    if sites not in ("full", "inner"):
        raise InputError("not a convention for sites", where=where, expected="full or inner", got=sites)
    keywords = _keywords(found, sites, options or {})
    try:
        network = found.build(image, classes, **keywords)
    except FrontierError:
        raise
    except Exception as error:
        raise InputError(f"{where} cannot be built: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise InputError(f"{where} is no network", expected="an nn.Module", got=type(network).__name__)
    return network


def relu_sites(
    name: str, model: nn.Module, image: tuple[int, int, int], *, classes: int | None = None
) -> tuple[Site, ...]:
    """The sites of the built network `name`; `model` may be on the meta device.

    Raises InputError, naming the network, if it cannot be run or evaluates anything but plain ReLUs between linear
    layers; with `classes` also if its output is not that many logits, or if it has no ReLU at all.
    """
    try:
        run = _run(model, image)
        activations = run.activations
        if classes is not None and run.output.shape != (1, classes):
            got = "x".join(map(str, run.output.shape))
            raise InputError("not the logits of its classes", expected=f"1x{classes} for one image", got=got)
        if classes is not None and not activations:
            raise InputError("no ReLU: there is nothing to linearize", expected="at least one nn.ReLU")
        foreign = [f"{one.operator} at {one.path}" for one in activations if one.operator != "relu"]
        if foreign:
            raise InputError(
                "activations that are not plain ReLUs", expected="nn.ReLU or a functional relu", got=", ".join(foreign)
            )
        outer = backbone(name).outer
        return tuple(Site(one.path, one.shape, one.path not in outer) for one in activations)
    except InputError as error:
        what = f"network '{name}': {error.what}" + (f", at {error.where}" if error.where else "")
        raise InputError(what, expected=error.expected, got=error.got, fix=error.fix) from None


def _run(model: nn.Module, image: tuple[int, int, int]) -> Run:
    try:
        return watch(model, image)
    except InputError:
        raise
    except Exception as error:
        text = str(error).splitlines()[0] if str(error) else "no reason given"
        raise InputError(
            f"cannot be run on an image of {'x'.join(map(str, image))} ({type(error).__name__}: {text})",
            expected="a forward without branches on data, for any batch of such images",
        ) from error


def _outer(name: str, module: ModuleType) -> tuple[str, ...]:
    outer = getattr(module, "OUTER", ())
    if isinstance(outer, str) or not all(isinstance(path, str) for path in outer):
        raise InputError(f"network '{name}': OUTER is not what it must be", expected="a tuple of site paths", got=outer)
    return tuple(outer)


def _keywords(found: Backbone, sites: str, options: Mapping[str, bool | int | float | str]) -> dict[str, Any]:
    """What `found.build` is given besides image and classes. Raises InputError for what it does not take."""
    where = f"network '{found.name}'"
    signature = _signature(found)
    parameters = list(signature.parameters.values())[2:]  # image and classes are given by position
    takes = {one.name: one for one in parameters if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)}
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    if "sites" in options:
        raise InputError("unknown option 'sites'", where=where, fix="say it beside the options: sites: inner")
    refuse_unfit(options, {key: one for key, one in takes.items() if key != "sites"}, where, any_other=takes_any)
    if sites == "inner" and "sites" not in takes:
        raise InputError(f"{where}: takes no keyword 'sites'", expected="sites: full", got=f"sites: {sites}")
    keywords = {**options, **({"sites": sites} if "sites" in takes else {})}
    try:
        signature.bind((), 0, **keywords)
    except TypeError as error:
        raise InputError(f"{where}: cannot be called as factory(image, classes, **options): {error}") from None
    return keywords


def _signature(found: Backbone) -> inspect.Signature:
    try:
        return signature_of(found.build)
    except (TypeError, ValueError):
        raise InputError(f"network '{found.name}': a factory without a signature", expected="a function") from None


@final
class Classifier(nn.Module):
    """A network behind its normalisation: pixels (B, C, H, W) in [0, 1] -> logits (B, classes)."""

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """`mean`, `std`: per channel, in units of [0, 1] pixels. Raises InputError unless std is positive."""
        super().__init__()
        if len(mean) != len(std) or not mean or min(std) <= 0:
            raise InputError("not a normalisation", expected="a mean and a positive std per channel", got=(mean, std))
        self.body = body
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels as the body sees them."""
        return (pixels - self.mean) / self.std

    def around(self, body: nn.Module) -> Classifier:
        """Another body behind the same normalisation."""
        mean, std = (tuple(values.flatten().tolist()) for values in (self.mean, self.std))
        return Classifier(body, mean, std).to(self.mean.device)

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalise, then the network."""
        logits: Tensor = self.body(self.normalised(pixels))
        return logits
