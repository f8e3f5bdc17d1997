"""Projected gradient descent in the L-infinity ball, from a uniform random start (Madry et al., ICLR 2018).

Differs from the paper's last-iterate form in one respect: of all points visited (the image itself, every iterate,
every restart) the one with the largest margin by which another class wins is returned, so that more restarts never
help the defender and accuracy under attack is never above clean accuracy. It follows that an image which is already
misclassified need not be climbed further: by default it is not, which leaves the accuracy what it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from frontier.attacks import _linf, _losses
from frontier.errors import InputError, nearest

SLACK = 1e-4  # of the largest logit: a smaller margin may be rounding, and gone in a batch of another size


def passes(steps: int) -> float:
    """Network passes an image, at most: a forward and backward each step, and a forward at the start and at the end.

    Exact for an image that no point visited misclassifies; one that is misclassified earlier costs less.
    """
    return 3.0 * steps + 2


def run(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int,
    seed: int,
    step_size: float | None = None,
    restarts: int = 1,
    loss: _losses.Name = "ce",
    early_stop: bool = True,
    batch: int = 256,
) -> Tensor:
    """Adversarial images, (N, C, H, W) in [0, 1], each within `eps` of its image.

    `model` maps pixels in [0, 1] to logits and is in evaluation mode; nothing in it changes. `step_size` is
    2.5 * eps / steps unless given. `early_stop` leaves an image alone once a point visited misclassifies it, so that
    batches, and further restarts, are of survivors; without it every image is climbed to the end, for the largest
    margin. A start depends on `seed`, the image's place and the restart alone: it is drawn on the CPU. About six
    times the memory of `images` is used. Raises InputError.
    """
    _linf.check(model, images, labels, eps=eps, steps=steps, batch=batch)
    if restarts < 1:
        raise InputError("restarts must be at least 1", got=restarts)
    if step_size is not None and not step_size > 0:
        raise InputError("step_size must be above 0", got=step_size)
    if loss not in _losses.LOSSES:
        raise InputError(f"unknown loss '{loss}'. {nearest(loss, _losses.LOSSES)}")
    climber = _Climber(model, _losses.LOSSES[loss], 2.5 * eps / steps if step_size is None else step_size, steps, batch)
    best = _Best(images.detach().clone(), *climber.standing(images, labels))
    with _linf.fixed(model):
        for restart in range(restarts):
            rows = (~best.fooled if early_stop else torch.ones_like(best.fooled)).nonzero()[:, 0]
            clean = images.detach()[rows]
            noise = torch.rand(images.shape, generator=_dice(seed, restart))[rows.cpu()].to(clean) * 2 - 1
            start = _linf.project(clean + eps * noise, clean, eps)
            low, high = (clean - eps).clamp_(min=0.0), (clean + eps).clamp_(max=1.0)
            climb = _Climb(rows, labels[rows], start, low, high, *(part[rows] for part in best))
            climber.climb(climb, best, early_stop=early_stop)
    return best.point


def _dice(seed: int, restart: int) -> torch.Generator:
    """What the starts of one restart are drawn from; of the first one, from `seed` itself."""
    mixed = np.random.SeedSequence([seed % 2**64, restart]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(mixed[0]) if restart else seed)


class _Best(NamedTuple):
    """By image: the point with the largest margin, that margin, and whether it is enough to misclassify the image."""

    point: Tensor
    margin: Tensor
    fooled: Tensor


class _Climb(NamedTuple):
    """The images that are climbing: their rows in the call, where they stand, their box, and their best so far."""

    rows: Tensor
    labels: Tensor
    here: Tensor
    low: Tensor
    high: Tensor
    point: Tensor
    margin: Tensor
    fooled: Tensor


class _Climber(NamedTuple):
    """One climb's rule."""

    model: nn.Module
    loss: _losses.Loss
    step: float
    steps: int
    batch: int

    @torch.no_grad()
    def standing(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Margins at `images`, (N,), and which of them misclassify. Raises InputError where the loss has no meaning."""
        margins = images.new_empty(len(images))
        fooled = torch.zeros_like(labels, dtype=torch.bool)
        for part in _linf.parts(images, self.batch):
            logits = self.model(images[part])
            self.loss(logits, labels[part])  # refuses what it cannot climb, also where nothing is left to be climbed
            margins[part], fooled[part] = _judge(logits, labels[part])
        return margins, fooled

    def climb(self, climb: _Climb, best: _Best, *, early_stop: bool) -> None:
        """Move all images `steps` times, and bring `best` up to date. The points in `climb` are overwritten."""
        for count in range(self.steps + 1):
            for part in _linf.parts(climb.rows, self.batch):
                self._visit(_Climb(*(value[part] for value in climb)), last=count == self.steps)
            if early_stop and bool(climb.fooled.any()):
                _settle(_Climb(*(value[climb.fooled] for value in climb)), best)
                climb = _Climb(*(value[~climb.fooled] for value in climb))
        _settle(climb, best)

    def _visit(self, at: _Climb, *, last: bool) -> None:
        """See where a batch stands, and take one step unless this is the last point. Works in place."""
        if last:
            with torch.no_grad():
                logits = self.model(at.here)
        else:
            logits, direction = _linf.ascent(self.model, at.here, at.labels, self.loss)
        margins, fooled = _judge(logits, at.labels)
        better = margins > at.margin  # never where either is NaN
        torch.where(better[:, None, None, None], at.here, at.point, out=at.point)
        torch.where(better, margins, at.margin, out=at.margin)
        at.fooled.logical_or_(fooled)
        if not last:
            at.here.add_(direction, alpha=self.step).clamp_(at.low, at.high)


def _judge(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    margins = _losses.margin(logits, labels)
    return margins, margins > SLACK * logits.abs().amax(dim=1)


def _settle(climb: _Climb, best: _Best) -> None:
    best.point[climb.rows], best.margin[climb.rows], best.fooled[climb.rows] = climb.point, climb.margin, climb.fooled
