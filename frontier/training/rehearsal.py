"""A rehearsal takes a few steps of every training, times them, and writes down what all of them would take.

`fit` looks for one in its context: whatever a method trains is rehearsed as it is, by its own code, on real images.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np
import torch

from frontier.training.batches import steps_per_epoch

LEAST_STEPS = 3  # after the first one, which compiles and allocates
MOST_STEPS = 60
ENOUGH_S = 0.5  # of steps, once there are LEAST_STEPS


class Span(NamedTuple):
    """Seconds: at least `low`, at most `high`."""

    low: float = 0.0
    high: float = 0.0

    def plus(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Span:
        return Span(self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Training:
    """One training as it was rehearsed. `steps` and `epochs` are all of it; `ended`: it had enough after one epoch."""

    stage: str
    steps: int
    epochs: float
    first_s: float
    step_s: tuple[float, ...]
    epoch_s: float
    ended: bool

    def seconds(self, *, may_end: bool = False) -> Span:
        """Quartiles of the timed steps times their number. With `may_end` the low end is that of a single epoch."""
        low, middle, high = np.quantile(self.step_s or (self.first_s,), (0.25, 0.5, 0.75)).tolist()
        start = max(0.0, self.first_s - middle)
        least = 1 / max(1.0, self.epochs) if may_end or self.ended else 1.0
        most = least if self.ended else 1.0
        return Span(
            start + least * (low * self.steps + self.epoch_s * self.epochs),
            start + most * (high * self.steps + self.epoch_s * self.epochs),
        )


@final
@dataclass
class Rehearsal:
    """`images` are those of a real epoch, whatever the rehearsal is shown; `wall_s` is what its trainings took."""

    images: int
    trainings: list[Training] = field(default_factory=list)
    wall_s: float = 0.0

    def planned(self, images: int, batch: int, epochs: int, steps: int | None) -> tuple[int, float]:
        """Steps and epochs of the whole training, where `fit` was asked for these with the `images` it is shown."""
        each = steps_per_epoch(self.images, batch)
        total = epochs * each if steps is None else round(steps * self.images / images)
        return total, total / each

    @contextlib.contextmanager
    def training(self, stage: str, steps: int, epochs: float, device: torch.device) -> Iterator[Watch]:
        """Around the first epoch of a training, which ends when the watch says that it is enough."""
        watch = Watch(device)
        started = time.perf_counter()
        yield watch
        self.wall_s += time.perf_counter() - started
        first, *others = watch.step_s
        self.trainings.append(Training(stage, steps, epochs, first, tuple(others), watch.epoch_s, watch.ended))


@final
class Watch:
    """Times the steps of one epoch, and what comes after it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._last = time.perf_counter()
        self.step_s: list[float] = []
        self.epoch_s = 0.0
        self.ended = False

    def enough(self) -> bool:
        """Call it after each step; whether no other one is needed."""
        self.step_s.append(self._lap())
        steps = len(self.step_s) - 1
        return steps >= MOST_STEPS or (steps >= LEAST_STEPS and sum(self.step_s[1:]) > ENOUGH_S)

    def after(self, epoch: Callable[[], bool]) -> None:
        """Does what is done after an epoch, and notes whether that ends the training."""
        self._lap()
        self.ended = epoch()
        self.epoch_s = self._lap()

    def _lap(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)  # or the clock would see kernels that are only waiting
        before, self._last = self._last, time.perf_counter()
        return self._last - before
