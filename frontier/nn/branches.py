"""Norm branches: one network whose batch norms exist several times, over shared weights and shared masks.

Inputs of different statistics (clean, attacked) each get norms of their own (Xie et al., AdvProp, CVPR 2020); RLNet
trains with two. Only one branch can be deployed: what is counted, attacked and exported is `served`, a plain network.
Gates first, then branches: surgery may have to trace the network, and it would see the active branch alone.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar, final

from torch import Tensor, nn

from frontier.errors import InputError
from frontier.nn.network import Classifier

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
Kind = TypeVar("Kind", bound=nn.Module)


@final
class BranchNorm(nn.Module):
    """A batch norm for each branch, by name; `active` says which one runs, in training and in evaluation."""

    def __init__(self, norm: nn.Module, branches: Sequence[str]) -> None:
        """Every branch starts as a copy of `norm`: parameters, buffers, and which of them are trained."""
        super().__init__()
        self.norms = nn.ModuleDict({branch: copy.deepcopy(norm) for branch in branches})
        self.active = branches[0]

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape, through the active branch; the others' statistics stay as they are."""
        normalised: Tensor = self.norms[self.active](x)
        return normalised


def branched(model: Classifier, branches: Sequence[str]) -> Classifier:
    """A copy of `model` with a BranchNorm at every batch norm, of shortcuts as well; the first branch is active.

    Raises InputError where the network has none: its branches would all be one."""
    made = copy.deepcopy(model)
    norms = {path: norm for kind in NORMS for path, norm in _at(made, kind).items()}
    if not norms:
        raise InputError(
            "no batch norm to branch", expected="a network with batch norms", got=type(model.body).__name__
        )
    fresh = {id(norm): BranchNorm(norm, branches).train(norm.training) for norm in norms.values()}
    for path, norm in norms.items():  # a norm that stands at two paths stays one
        made.set_submodule(path, fresh[id(norm)])
    return made


def use(model: nn.Module, branch: str) -> None:
    """Let the whole network run through `branch`. Raises InputError where a norm has no such branch."""
    for path, norm in _at(model, BranchNorm).items():
        if branch not in norm.norms:
            raise InputError("no such norm branch", where=path, expected=" or ".join(norm.norms), got=branch)
        norm.active = branch


def served(model: Classifier, branch: str) -> Classifier:
    """A copy in which the batch norms of `branch` alone are left, at their original paths: a network as it was before
    `branched`, with the same state-dict keys."""
    use(plain := copy.deepcopy(model), branch)
    for path, norm in _at(plain, BranchNorm).items():
        plain.set_submodule(path, norm.norms[branch])
    return plain


def is_branched(model: nn.Module) -> bool:
    """Whether several norm branches are left: such a network is not one that can be deployed."""
    return bool(_at(model, BranchNorm))


def _at(model: nn.Module, kind: type[Kind]) -> dict[str, Kind]:
    """Modules of one kind by path; one that stands at several paths is listed at each."""
    return {path: found for path, found in model.named_modules(remove_duplicate=False) if isinstance(found, kind)}
