"""What a search would cost, before anything runs: network passes as declared, seconds from a few timed steps.

A pass is one forward of one image; forward and backward together are three. The mask search counts as its method
declares, at most. The steps are those of the plain network in float32, eagerly: masks cost more, compiling less.
"""

from __future__ import annotations

import functools
import statistics
import time
from dataclasses import dataclass
from typing import Any

import torch

from frontier import registry
from frontier.api.lookups import knobs_of
from frontier.frozen import canonical_json
from frontier.nn.network import build
from frontier.nn.profile import profile
from frontier.results.spec import NetworkSpec, TrialSpec
from frontier.training.batches import generator
from frontier.training.losses import step_passes
from frontier.trial.source import Source

REPEATS = 5
BATCH = 64
TIMED_MACS = 1e10  # of a timed forward, at most: a large network is timed on fewer images


@dataclass(frozen=True)
class Cost:
    """Passes by stage of one trial (the teacher's once for all trials), and how long one pass takes here."""

    teacher: float
    search: float
    finetune: float
    measure: float
    macs: int  # of one pass
    pass_s: float
    weights_bytes: int

    @property
    def trial_s(self) -> float:
        """Seconds of one trial on one core, about, if the mask search runs all its epochs; the teacher apart."""
        return (self.search + self.finetune + self.measure) * self.pass_s

    @property
    def teacher_s(self) -> float:
        return self.teacher * self.pass_s


def of(spec: TrialSpec, source: Source) -> Cost:
    """The cost of one trial; loads the data set and times a few forward and backward steps on one thread."""
    data, measure = source.dataset(), spec.measure
    attack = registry.load("attack", measure.attack)
    train = len(source.images("train", spec.data.train_images).labels)
    sets = {"validation": 1.0, "test": 2.0 if measure.official else 1.0}  # of corrupted images
    shown = sum(
        len(source.images(split, count).labels) * factor
        for split in ("validation", "test")
        for count, factor in (
            (measure.validation_images if split == "validation" else measure.test_images, 2.0),  # teacher and student
            (measure.corrupted_images, len(measure.corruptions) * len(measure.severities) * sets[split]),
            (measure.attack_images, (attack.passes(measure.attack_steps) + 1) * len(measure.attack_eps_255) + 1),
        )
    )
    model = build(spec.network.name, data.image, data.classes, sites=spec.network.sites, options=spec.network.options)
    knobs = knobs_of(spec.method).model_validate(spec.knobs)
    method = registry.load("method", spec.method)
    search, points = method.passes(knobs), 1 + len(getattr(knobs, "snapshots", ()))
    each = method.finetune_passes(knobs) if hasattr(method, "finetune_passes") else step_passes(taught=True)
    finetune = each * spec.finetune.epochs if spec.passes is None else max(0.0, spec.passes - search)
    return Cost(
        teacher=3.0 * spec.teacher.recipe.epochs * train,
        search=search * train,
        finetune=finetune * points * train,
        measure=shown * points,
        macs=profile(model, data.image).macs,
        pass_s=_pass_s(canonical_json(spec.network), data.image, data.classes),
        weights_bytes=sum(parameter.numel() * parameter.element_size() for parameter in model.parameters()),
    )


@functools.cache
def _pass_s(network_json: str, image: tuple[int, int, int], classes: int) -> float:
    """Seconds of one pass of one image in training on one thread: the median of a few steps after one to warm up."""
    network = NetworkSpec.model_validate_json(network_json)
    model = build(network.name, image, classes, sites=network.sites, options=network.options)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    batch = max(2, min(BATCH, int(TIMED_MACS / max(1, profile(model, image).macs))))
    pixels = torch.rand(batch, *image, generator=generator(0))
    timings = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        model(pixels).sum().backward()
        timings.append(time.perf_counter() - started)
    torch.set_num_threads(threads)
    return statistics.median(timings[1:]) / batch / 3


def as_json(cost: Cost, trials: int, concurrency: int) -> dict[str, Any]:
    """What `frontier check --json` prints under `cost`; seconds are of this machine, about."""
    return {
        "passes": {name: getattr(cost, name) for name in ("teacher", "search", "finetune", "measure")},
        "macs_per_pass": cost.macs,
        "teacher_s": cost.teacher_s,
        "trial_s": cost.trial_s,
        "search_s": cost.teacher_s + cost.trial_s * trials / concurrency,
        "disk_bytes": trials * cost.weights_bytes,
    }
