"""What corrupted accuracy is evaluated on, a group of corruptions, and what its mCE is relative to, a named network."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from frontier.corruptions._apply import group
from frontier.corruptions._make import Watch
from frontier.errors import InputError, nearest
from frontier.results.corruption_metrics import ALEXNET, Reference
from frontier.results.spec import Scalar
from frontier.trial.battery import Step, Tell
from frontier.trial.evaluate import SPLIT, Corruptions, cells
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source
from frontier.trial.subject import Subject, refuse_untaught, teacher

OFFICIAL, HELD_OUT = "official", "held_out"
GROUPS = ("common", HELD_OUT, OFFICIAL)
TEACHER, CONSTANTS = "teacher", "alexnet"


def refuse_group(word: str) -> None:
    """Raises InputError for what is no group of corruptions."""
    if word not in GROUPS:
        what = f"unknown group of corruptions '{word}'. {nearest(word, [*GROUPS, 'none'])}"
        raise InputError(what, where="--corruptions")


def names_of(word: str) -> tuple[str, ...]:
    """The corruptions of a group; the official files are of the common ones."""
    return group("common" if word == OFFICIAL else word)


def images_of(word: str, source: Source, tell: Tell) -> Corruptions:
    """The corrupted test images of a group; those that nobody has made yet are made."""
    names, official = names_of(word), word == OFFICIAL

    def step(line: str) -> None:
        tell(Step(f"corrupted images: {line}", 0, 1, 0))

    step(f"{len(names)} corruptions")
    kept = source.corruption_set(OFFICIAL if official else SPLIT, names, Watch(tell=step))
    label = f"{kept.label}, held-out" if word == HELD_OUT else kept.label
    return Corruptions(label, kept.hash, names, official)


@dataclass(frozen=True)
class Relative:
    """What the mCE is relative to: the `teacher` of each point, another `point` of the study, or AlexNet's constants.

    A network is measured once, on the images that the points are measured on.
    """

    source: Source
    runtime: Runtime
    device: torch.device
    n: int
    point: Subject | None = None
    constants: bool = False
    _measured: dict[str, Reference] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As it stands in the record."""
        if self.constants:
            return ALEXNET.name
        return f"trial {self.point.address}" if self.point else TEACHER

    def refuse(self, subjects: tuple[Subject, ...], corruptions: tuple[str, ...]) -> None:
        """Raises InputError where there is no such reference for these."""
        if self.point:
            self.point.weights()
        elif self.constants:
            lacking = [name for name in corruptions if name not in ALEXNET.errors]
            if lacking:
                raise InputError(
                    f"the reference '{ALEXNET.name}' says nothing on {', '.join(lacking)}",
                    where="--reference",
                    fix=f"take --reference {TEACHER}, or a point of the study",
                )
        else:
            for subject in subjects:
                refuse_untaught(subject, self.runtime.home)

    def settings(self, subject: Subject) -> dict[str, Scalar]:
        """For the record: the name, and for a network which one it is."""
        found: dict[str, Scalar] = {"reference": self.name}
        if self.point:
            return found | {"reference_mask": self.point.point.mask.hash}
        return found if self.constants else found | {"reference_teacher": subject.record.spec.teacher_hash}

    def of(self, subject: Subject, asked: Corruptions, tell: Tell) -> Reference:
        """The errors that a point's are divided by."""
        if self.constants:
            return ALEXNET
        key = "" if self.point else subject.record.spec.teacher_hash
        if key not in self._measured:
            if self.point:
                model = self.point.network(self.source, self.device)
            else:
                model = teacher(subject, self.source, self.runtime, self.device)
            parts = cells(model, self.source, asked, self.n, self.device, tell)
            self._measured[key] = Reference.measured(self.name, parts)
        return self._measured[key]
