"""The committed reference study: real records that every later version must still read."""

from pathlib import Path

import pytest

from frontier.api.study import open_study
from frontier.masks.file import load
from frontier.results.record import TrialRecord
from frontier.results.store import names

HOME = Path(__file__).parents[2] / "results" / "reference"


@pytest.mark.parametrize("name", names(HOME))
def test_every_record_of_the_reference_home_can_be_read_and_its_masks_are_those_measured(name: str) -> None:
    study = open_study(name, HOME)
    for _, record in study.records():
        assert isinstance(record, TrialRecord)
    for trial, record in study.records():
        assert record.trial == trial
        for point in record.points:
            mask = load(study.files.trial_folder(trial) / point.mask.file)
            assert (mask.hash, mask.count) == (point.mask.hash, point.relu_count)


def test_the_reference_study_is_whole() -> None:
    study = open_study("cifar10_lab", HOME)
    assert study.counts()["complete"] == 16
    for trial, record in study.records():
        assert isinstance(record, TrialRecord)
        assert (record.trial, record.spec.space_hash) == (trial, study.manifest.space_hash)
        for point in record.points:
            mask = load(study.files.trial_folder(trial) / point.mask.file)
            assert (mask.hash, mask.count, mask.relus) == (point.mask.hash, point.relu_count, study.manifest.relus)


def test_its_trade_off_is_visible() -> None:
    front = open_study("cifar10_lab", HOME).front()
    assert front[0].point.relu_count == 0
    assert front[-1].point.relu_count == 13_312
    assert front[-1].point.validation.clean.value - front[0].point.validation.clean.value > 0.3
