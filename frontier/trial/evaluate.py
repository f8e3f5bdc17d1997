"""Evaluating a point of a finished trial on the test split: attacked and checked, or corrupted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

import torch

from frontier import registry
from frontier.attacks._canonical import PACKAGE as AUTOATTACK_PACKAGE
from frontier.nn.network import Classifier
from frontier.results.corruption_metrics import SEVERITIES, Reference, mce, mean_accuracy
from frontier.results.evaluation import Check, Evaluation, Kind
from frontier.results.measure import Measure
from frontier.results.spec import MeasureSpec, Scalar
from frontier.training.batches import Images, to_unit
from frontier.training.context import Context
from frontier.trial import battery, measure, origin
from frontier.trial.battery import AUTOATTACK, Battery, Outcome, Step, Tell
from frontier.trial.examine import State, deployed, deterministic, gradients, untouched
from frontier.trial.health import verdicts
from frontier.trial.source import Source
from frontier.trial.subject import Subject

SPLIT: Final = "test"
MEAN = "mean"
Settings = dict[str, Scalar | tuple[Scalar, ...]]


@dataclass(frozen=True)
class Corruptions:
    """Which corrupted images: `label` says what they are, `names` which corruptions; official files or our own."""

    label: str
    hash: str  # of their files
    names: tuple[str, ...]
    official: bool = False

    def settings(self, reference: Mapping[str, Scalar]) -> Settings:
        """For the record; `reference` says what the mCE is relative to."""
        return {"corruptions": self.names, "severities": SEVERITIES, "files": self.hash, **reference}

    def measure(self, n: int | None) -> MeasureSpec:
        """As a trial would be told to measure them: every severity."""
        return MeasureSpec(corruptions=self.names, severities=SEVERITIES, corrupted_images=n, official=self.official)


def attacked(subject: Subject, source: Source, asked: Battery, n: int, device: torch.device, tell: Tell) -> Evaluation:
    """The battery and the health checks on `n` images of the test split."""
    clock = _Clock.start(device)
    model = subject.network(source, device)
    before = State.of(model)
    images = Images.of(source.images(SPLIT, n), device)
    pixels, labels = to_unit(images.pixels), images.labels
    outcome = battery.run(model, pixels, labels, asked, tell)
    tell(Step("health checks", 1, 1, int(outcome.worst[asked.eps_255[-1]].sum())))
    checks = [
        *verdicts(outcome),
        gradients(model, pixels, labels, outcome.correct, outcome.nonfinite),
        deterministic(model, pixels),
        deployed(model, subject.record.spec, subject.point, source, subject.weights()),
    ]
    return clock.evaluation(
        subject,
        "attack",
        asked.attack,
        n=n,
        settings=asked.settings(),
        accuracies=accuracies(outcome),
        checks=(*checks, untouched(before, model)),
    )


def accuracies(outcome: Outcome) -> dict[str, Measure]:
    """`clean`, each attack alone as `attack/eps`, and `worst/eps`, eps in units of 1/255."""
    n = len(outcome.labels)
    counts = {"clean": int(outcome.correct.sum())}
    for eps_255 in outcome.battery.eps_255:
        counts |= {f"{name}/{eps_255:g}": outcome.count(name, eps_255) for name in outcome.battery.names}
        counts[f"worst/{eps_255:g}"] = int(outcome.worst[eps_255].sum())
    return {key: Measure.of(right / n, n) for key, right in counts.items()}


def corrupted(
    subject: Subject,
    source: Source,
    asked: Corruptions,
    n: int,
    device: torch.device,
    tell: Tell,
    *,
    reference: Reference,
    settings: Settings,
) -> Evaluation:
    """All cells of a corruption set on `n` images of the test split, their mean, and the mCE if there is one."""
    clock = _Clock.start(device)
    parts = cells(subject.network(source, device), source, asked, n, device, tell)
    defined = min(reference.errors.values()) > 0
    return clock.evaluation(
        subject,
        "corruptions",
        asked.label,
        n=n,
        settings=settings,
        accuracies={**parts, MEAN: mean_accuracy(parts)},
        metrics={reference.name: mce(parts, reference)} if defined else {},
    )


def cells(
    model: Classifier, source: Source, asked: Corruptions, n: int, device: torch.device, tell: Tell
) -> dict[str, Measure]:
    """Accuracy by `corruption/severity` on the corrupted test images."""
    spec = asked.measure(n)
    keys = [f"{name}/{severity}" for name in spec.corruptions for severity in spec.severities]
    begun = count()

    def check() -> None:
        done = min(next(begun), len(keys) - 1)
        tell(Step(keys[done], done, len(keys), n))

    context = Context(device=device, checkpoints=Path(), check=check)
    if asked.official:
        found = measure.official(model, source, spec, context)
        return {key.removeprefix("official/"): value for key, value in found.items()}
    return measure.corrupted(model, source, SPLIT, spec, context)


@dataclass(frozen=True)
class _Clock:
    """When an evaluation began, and on what."""

    device: torch.device
    started_at: str
    began_s: float

    @classmethod
    def start(cls, device: torch.device) -> _Clock:
        return cls(device, datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic())

    def evaluation(
        self,
        subject: Subject,
        kind: Kind,
        name: str,
        *,
        n: int,
        settings: Settings,
        accuracies: dict[str, Measure],
        metrics: dict[str, float] | None = None,
        checks: tuple[Check, ...] = (),
    ) -> Evaluation:
        """What was found, with where it comes from."""
        libraries = origin.libraries()
        if name == AUTOATTACK:
            libraries |= registry.versions(AUTOATTACK_PACKAGE)
        return Evaluation(
            point=subject.index,
            kind=kind,
            name=name,
            split=SPLIT,
            n=n,
            settings=settings,
            accuracies=accuracies,
            metrics=metrics or {},
            checks=checks,
            code_version=origin.code_version(),
            device=origin.device_name(self.device),
            libraries=libraries,
            started_at=self.started_at,
            wall_s=round(time.monotonic() - self.began_s, 3),
        )
