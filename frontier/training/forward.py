"""How a model is called while it trains: in the recipe's precision, compiled where that is possible."""

from __future__ import annotations

import contextlib
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from frontier.results.spec import Recipe

Forward = Callable[[Tensor], Any]  # pixels -> what the model returns


def can_compile(device: torch.device) -> str | None:
    """None if torch.compile can be used on `device`, else the reason why not."""
    if device.type != "cpu":
        return None
    if not any(shutil.which(compiler) for compiler in ("g++", "clang++", "c++")):
        return "no C++ compiler was found"
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        return "the Python headers were not found"
    return None


def wants_compile(recipe: Recipe, device: torch.device, log: Callable[[str], None]) -> bool:
    """Whether to compile; says so in the log when it was asked for."""
    if not recipe.compile:
        return False
    reason = can_compile(device)
    log("torch.compile: on" if reason is None else f"torch.compile: off, {reason}; training runs eagerly, slower")
    return reason is None


def forward_of(model: nn.Module, recipe: Recipe, device: torch.device, *, compiled: bool) -> Forward:
    """The model as a function of pixels, under autocast where the recipe asks for bfloat16.

    What was compiled before is forgotten: a worker runs many trials, torch.compile counts its variants by the code of
    `forward`, which they share, and from the ninth on it would quietly run eagerly.
    """
    if compiled:
        torch.compiler.reset()
    call: Forward = torch.compile(model) if compiled else model

    def forward(pixels: Tensor) -> Any:
        with autocast(recipe, device):
            return call(pixels)

    return forward


def no_grad(forward: Forward) -> Forward:
    """The same function outside the graph: a teacher's."""

    @torch.no_grad()
    def without(pixels: Tensor) -> Any:
        return forward(pixels)

    return without


def autocast(recipe: Recipe, device: torch.device) -> contextlib.AbstractContextManager[object]:
    if recipe.precision == "bfloat16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()
