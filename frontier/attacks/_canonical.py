"""The authors' code of AutoAttack, as pyautoattack 0.2.0 packages it: its stages, its warnings, kept to themselves."""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from frontier.errors import BlockedError

PACKAGE = "pyautoattack"
QUERIES_PER_STEP = 50  # 5,000 queries of Square beside 100 iterations of the others
TARGETS = 9
TARGETED_DLR_CLASSES = 4  # it compares the largest, the third and the fourth logit

Predict = Callable[[Tensor], Tensor]
Tell = Callable[[str], None]


def standard(
    predict: Predict,
    *,
    classes: int,
    eps: float,
    steps: int,
    seed: int,
    device: torch.device,
    logger: logging.Logger,
) -> dict[str, Any]:
    """The attacks of the standard version by name, in order. Each has `perturb(images, labels)`.

    Raises BlockedError where the package is missing.
    """
    apgd, fab, square = (_module(name) for name in ("autopgd_base", "fab_pt", "square"))
    shared = {"eps": eps, "norm": "Linf", "seed": seed, "device": device, "verbose": False, "n_restarts": 1}
    climbing = shared | {"n_iter": steps, "eot_iter": 1, "rho": 0.75, "logger": logger}
    targets = min(TARGETS, classes - 1)
    stages = {"apgd-ce": apgd.APGDAttack(predict, loss="ce", **climbing)}
    if classes >= TARGETED_DLR_CLASSES:
        stages["apgd-t"] = apgd.APGDAttack_targeted(predict, n_target_classes=targets, **climbing)
    stages["fab-t"] = fab.FABAttack_PT(predict, n_iter=steps, targeted=True, n_target_classes=targets, **shared)
    stages["square"] = square.SquareAttack(
        predict, p_init=0.8, n_queries=QUERIES_PER_STEP * steps, resc_schedule=False, **shared
    )
    return stages


def predictor(model: nn.Module, dtype: torch.dtype) -> Predict:
    """`model`, which takes pixels of `dtype`, as a function from float32 to float32: all that the package can do."""

    def predict(pixels: Tensor) -> Tensor:
        logits: Tensor = model(pixels.to(dtype))
        return logits.float()

    return predict


def warn(predict: Predict, images: Tensor, labels: Tensor, logger: logging.Logger) -> None:
    """The package's checks of the model: randomised, probabilities for logits, gradients taken inside."""
    checks = _module("checks")
    checks.check_randomized(predict, images, labels, bs=len(images), logger=logger)
    checks.check_range_output(predict, images, logger=logger)
    checks.funcs.update(dict.fromkeys(checks.funcs, 0))
    tracing = sys.gettrace()
    try:
        checks.check_dynamic(predict, images, logger=logger)
    finally:
        sys.settrace(tracing)


def warn_of_square(accuracy: dict[str, float], logger: logging.Logger) -> None:
    """The package's check after the last stage: whether Square found what the gradients did not."""
    _module("checks").check_square_sr(accuracy, logger=logger)


def logger(tell: Tell) -> logging.Logger:
    """What the package's warnings are given to: no logger that others can reach."""

    class Telling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(record.getMessage().removesuffix(" See flags_doc.md for details."))

    alone = logging.Logger(PACKAGE, logging.WARNING)
    alone.addHandler(Telling())
    return alone


@contextlib.contextmanager
def seeded() -> Iterator[None]:
    """The package seeds torch's global generators; here they come out as they went in."""
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    devices = [torch.cuda.current_device()] if started else []
    with torch.random.fork_rng(devices=devices):
        yield


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"{PACKAGE}.{name}")
    except ImportError as missing:
        raise BlockedError(
            f"autoattack: {PACKAGE} is not installed; run: pip install 'relu-frontier[attacks]'"
            f" (or: pip install {PACKAGE}==0.2.0)"
        ) from missing
