"""AutoAttack *standard*: APGD-CE, targeted APGD-DLR, targeted FAB and Square, in turn (Croce and Hein, ICML 2020).

The attacks are the authors' own code, in its packaged form (pyautoattack 0.2.0, MIT, the extra `attacks`). Each is
given the images that are still classified right, in the order, batches and seeds of the package's evaluation. What it
returns is not trusted: it is brought back into the ball, and only what misclassifies there is kept.

`steps` is the number of iterations of APGD and FAB, and a fiftieth of Square's queries. *Standard* is 100; anything
else is a reduced version, to be named as such. Nine target classes need ten classes: with fewer all others are
targets, and below four, where its loss is not defined, `apgd-t` is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from frontier.attacks import _canonical, _linf
from frontier.attacks._canonical import Predict

STANDARD_STEPS = 100
BATCH_MATTERS = True  # all batches are given one seed, so an image's starts depend on its place in its batch


@dataclass(frozen=True)
class Outcome:
    """`adversarial`: (N, C, H, W) in [0, 1], the image itself where no stage succeeded.

    `robust`: by stage, in the order run, `clean` first: bool (N,), which images are still classified right after it.
    `warnings`: what the package has to say against the model before it attacks it.
    """

    adversarial: Tensor
    robust: dict[str, Tensor]
    warnings: tuple[str, ...] = ()


def passes(steps: int) -> float:
    """Network passes an image, at most: those of an image of ten or more classes that every stage leaves standing."""
    apgd_ce = 3 * (steps + 1) + 1
    apgd_t = 9 * (3 * (steps + 1) + 1) + 1
    fab_t = 9 * (4 * steps + 3) + 1
    square = _canonical.QUERIES_PER_STEP * steps + 3
    checks, measured = 7, 5
    return float(checks + measured + apgd_ce + apgd_t + fab_t + square)


def run(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = STANDARD_STEPS,
    seed: int = 0,
    batch: int = 250,
) -> Tensor:
    """Adversarial images, (N, C, H, W) in [0, 1]; see `attack`."""
    return attack(model, images, labels, eps=eps, steps=steps, seed=seed, batch=batch).adversarial


def attack(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = STANDARD_STEPS,
    seed: int,
    batch: int = 250,
    log: Callable[[str], None] | None = None,
) -> Outcome:
    """What every stage left, and the images found. `log` is told of each stage and of the package's own warnings.

    `model` maps pixels in [0, 1] to logits and is in evaluation mode; neither it nor the global random state changes.
    It is shown float32. The result depends on `batch`. Raises InputError, and BlockedError without pyautoattack.
    """
    _linf.check(model, images, labels, eps=eps, steps=steps, batch=batch)
    tell = log or (lambda line: None)
    logger = _canonical.logger(tell)
    warnings: list[str] = []
    adversarial = images.detach().clone()
    with _linf.fixed(model), _canonical.seeded(), torch.no_grad():
        predict = _canonical.predictor(model, images.dtype)
        standing, classes = _right(predict, adversarial, labels, batch)
        stages = _canonical.standard(
            predict, classes=classes, eps=eps, steps=steps, seed=seed, device=images.device, logger=logger
        )
        robust = {"clean": standing.clone()}
        if eps > 0 and len(images):
            _canonical.warn(predict, adversarial[:batch].float(), labels[:batch], _canonical.logger(warnings.append))
            for warning in warnings:
                tell(warning)
        for name, stage in stages.items():
            rows = standing.nonzero()[:, 0] if eps > 0 else labels[:0]
            for chosen in torch.split(rows, batch) if len(rows) else ():
                clean, wanted = images.detach()[chosen], labels[chosen]
                moved = stage.perturb(clean.float(), wanted).to(clean)
                moved = _linf.project(torch.where(moved.isnan(), clean, moved), clean, eps)
                fooled = ~_right(predict, moved, wanted, batch)[0]
                adversarial[chosen[fooled]] = moved[fooled]
                standing[chosen[fooled]] = False
            robust[name] = standing.clone()
            tell(f"{name}: {int(standing.sum())} of {len(images)} images are still classified right")
        accuracy = {name: float(flags.double().mean()) for name, flags in robust.items()}
        _canonical.warn_of_square(accuracy, logger)
    return Outcome(adversarial, robust, tuple(warnings))


def _right(predict: Predict, images: Tensor, labels: Tensor, batch: int) -> tuple[Tensor, int]:
    """Which images are classified right, bool (N,), never with a NaN or infinite logit; and the number of classes."""
    logits = torch.cat([predict(part) for part in torch.split(images, batch)])
    return logits.isfinite().all(dim=1) & (logits.argmax(dim=1) == labels), logits.shape[1]
