"""A subject of evaluation: a point of a finished trial, whose network is loaded as it is exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from frontier.errors import InputError
from frontier.nn.network import Classifier
from frontier.results.evaluation import Evaluation, latest
from frontier.results.measured import Measured, Measurement
from frontier.results.migrate import read_record
from frontier.results.record import Point, TrialRecord, address
from frontier.results.store import amend_record
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.trial.bundle import assemble, trained_again
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source
from frontier.trial.teacher import School, is_trained, key_of


@dataclass(frozen=True)
class Subject:
    """Point `index` of the trial in `folder`; `record` is what stood there when it was chosen."""

    folder: Path
    trial: int
    index: int
    record: TrialRecord

    @property
    def point(self) -> Point:
        return self.record.points[self.index]

    @property
    def address(self) -> str:
        """`N`, or `N.K` for an extra point."""
        return address(self.trial, self.index)

    def weights(self) -> Path:
        """The file with its weights. Raises InputError if they were not kept."""
        name = self.point.weights
        if name is None or not (self.folder / name).is_file():
            raise InputError(
                f"the weights of {self.address} were not kept",
                where=str(self.folder),
                expected="a point on the front (keep: front), or a study run with --keep all",
                fix=trained_again(self.folder),
            )
        return self.folder / name

    def network(self, source: Source, device: torch.device) -> Classifier:
        """In evaluation mode. Raises InputError where mask and weights do not fit."""
        data, point = source.dataset(), self.point
        made_of = (point.network or self.record.spec.network, data.image, data.classes, data.mean, data.std)
        return assemble(*made_of, self.folder, point.mask.file, self.weights().name).to(device)


def add(subject: Subject, evaluation: Evaluation) -> None:
    """Append to the trial's record."""
    amend_record(
        subject.folder, lambda record: record.model_copy(update={"evaluations": (*record.evaluations, evaluation)})
    )


def add_measurement(subject: Subject, measured: Measured) -> Path:
    """Append its figures to the trial's record in the same way; returns the record's file."""
    made = Measurement(point=subject.index, measured=measured.figures())
    amend_record(
        subject.folder, lambda record: record.model_copy(update={"measurements": (*record.measurements, made)})
    )
    return _path(subject)


def standing(subject: Subject) -> tuple[Evaluation, ...]:
    """The evaluations of the point that count now, read again from its record."""
    return latest(_record(subject).evaluations, subject.index)


def teacher(subject: Subject, source: Source, runtime: Runtime, device: torch.device) -> Classifier:
    """The all-ReLU network that the point's trial started from, in evaluation mode. `refuse_untaught` was asked."""
    spec = subject.record.spec
    train = Images.of(source.images("train", spec.data.train_images), device)
    context = Context(device=device, checkpoints=subject.folder / "checkpoints")
    return School(spec, source.dataset(), train, runtime.home, context).teacher()


def refuse_untaught(subject: Subject, home: Path) -> None:
    """Raises InputError where the teacher of the point's trial is not kept: it is not trained for an evaluation."""
    if not is_trained(subject.record.spec, home):
        raise InputError(
            f"the teacher of trial {subject.trial} is not there",
            where=str(home / "teachers" / key_of(subject.record.spec)),
            expected="the folder of the search, with its teachers",
            fix="take another reference: --reference N[.K], a point of the study, or --reference alexnet",
        )


def _record(subject: Subject) -> TrialRecord:
    path = _path(subject)
    return read_record(path.read_bytes(), where=str(path))


def _path(subject: Subject) -> Path:
    return subject.folder / "record.json"
