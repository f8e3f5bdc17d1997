"""Where student and teacher differ: SENet's score for a mask, sums of |A_student - A_teacher| over an epoch.

Kundu et al., ICLR 2023; as in the RLNet authors' code (sreetamasarkar/rlnet, commit afbf3aa), whose top-k compares
strictly and so keeps fewer than k: here exactly k are kept, with ties broken by position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from frontier.errors import InputError
from frontier.masks.mask import Mask
from frontier.nn.gates import FrozenGate
from frontier.nn.sites import Site
from frontier.nn.surgery import gates
from frontier.training.select import largest_by_site


@final
class Differences(nn.Module):
    """Sums over images of |student - teacher|, one buffer (C, H, W) a site. As buffers they outlive a crash: the
    module has to be part of what `fit` trains."""

    def __init__(self, sites: Sequence[Site]) -> None:
        super().__init__()
        self.paths = tuple(site.path for site in sites)
        for index, site in enumerate(sites):
            self.register_buffer(f"site{index}", torch.zeros(site.shape))

    def sums(self) -> dict[str, Tensor]:
        """The buffers by site path, in the order of the sites."""
        return dict(zip(self.paths, self.buffers(), strict=True))

    @torch.no_grad()
    def add(self, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> None:
        """Add the images of a batch: activations (B, C, H, W) of both networks, in the order of the sites."""
        for summed, s, t in zip(self.buffers(), student, teacher, strict=True):
            summed += (s.detach().float() - t.detach().float()).abs().sum(dim=0)

    def clear(self) -> None:
        """Begin the next epoch."""
        for summed in self.buffers():
            summed.zero_()

    def mask(self, counts: Mapping[str, int], *, channels: bool = False) -> Mask:
        """The `counts[path]` positions of each site that differ most, exactly; ties: the earlier position.

        `channels`: whole channels, those with the largest sums, and of one more as much as the count leaves.
        """
        scores = {path: summed.cpu().numpy() for path, summed in self.sums().items()}
        if channels:
            return Mask.of({path: channelwise(score, counts[path]) for path, score in scores.items()})
        return largest_by_site(scores, counts)


def channelwise(score: NDArray[np.float32], count: int) -> NDArray[np.bool_]:
    """(C, ...) -> bool of the same shape: `count` positions, taken channel by channel from the largest sum down, and
    in the last one from the largest score down; ties: the earlier channel, the earlier position."""
    flat = score.reshape(len(score), -1).astype(np.float64)
    ranks = np.empty(len(flat), dtype=np.int64)
    ranks[np.argsort(-flat.sum(axis=1), kind="stable")] = np.arange(len(flat))
    kept = np.zeros(flat.size, dtype=np.bool_)
    kept[np.lexsort((-flat.ravel(), np.repeat(ranks, flat.shape[1])))[: max(count, 0)]] = True
    return kept.reshape(score.shape)


def hamming(left: Mask, right: Mask) -> float:
    """SENet's normalised Hamming distance: per site the fraction of positions that differ, summed over sites."""
    return sum(left.diff(right).hamming.values())


def random_tied(sites: Sequence[Site], counts: Mapping[str, int], dice: torch.Generator) -> Mask:
    """One random pattern (H, W) a site, the same in all channels; what does not divide by C goes to one position more
    in the first channels, so that the count is exact."""
    bits = {}
    for site in sites:
        kept = np.zeros((site.shape[0], site.relus // site.shape[0]), dtype=np.bool_)
        order = torch.randperm(kept.shape[1], generator=dice).numpy()
        everywhere, rest = divmod(min(max(counts[site.path], 0), site.relus), len(kept))
        kept[:, order[:everywhere]] = True
        kept[:rest, order[everywhere : everywhere + 1]] = True
        bits[site.path] = kept.reshape(site.shape)
    return Mask.of(bits)


@torch.no_grad()
def assign(model: nn.Module, mask: Mask) -> None:
    """Copy the mask into the FrozenGates of a body, in place: no tensor is replaced, compiled code stays valid.

    Raises InputError where a gate is of another kind, MaskError where the mask lacks its site."""
    for path, here in gates(model).items():
        if not isinstance(here, FrozenGate):
            raise InputError("the gate holds no mask", where=path, expected="FrozenGate", got=type(here).__name__)
        here.kept.copy_(torch.tensor(mask.bits(path)))
