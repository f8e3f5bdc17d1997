"""Warm start: points of other studies reach the sampler's memory once, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import search_fakes as fakes
from optuna.trial import TrialState
from search_books import finish, finish_all, remembered, search

from frontier.api.warm_start import points_elsewhere
from frontier.driver.warm import Elsewhere
from frontier.errors import InputError, RecordError
from frontier.results.store import Study


@pytest.fixture
def others(tmp_path: Path) -> tuple[Elsewhere, ...]:
    """The points of a study under another home, one of its trials with an extra point."""
    other = fakes.study(tmp_path / "other")
    with search(other, trials=3) as running:
        finish(running, running.ask(), 300)
        finish_all(running)
    return points_elsewhere([str(other.folder)], fakes.space(), tmp_path)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path / "own", sampler="tpe")


def test_points_are_told_as_they_were_measured_and_say_where_they_are_from(
    study: Study, others: tuple[Elsewhere, ...]
) -> None:
    with search(study, warm=others) as running:
        assert (running.handed_out, running.front(), running.hypervolume()) == (0, (), 0)
        finish(running, running.ask())
        assert (running.counts().complete, running.front()) == (1, ("0",))
    found = {trial.user_attrs.get("from"): trial for trial in remembered(study)}
    assert set(found) == {"fake:0", "fake:0.1", "fake:1", "fake:2", None}
    assert all(trial.state is TrialState.COMPLETE for trial in found.values())
    assert found["fake:0.1"].params["relu_budget+1"] == 301
    assert found["fake:1"].values == pytest.approx(others[2].told)


def test_they_are_added_once_and_outlive_the_database_and_the_other_study(
    study: Study, others: tuple[Elsewhere, ...]
) -> None:
    for lost in (False, True):
        with search(study, warm=others):
            pass
        with search(study) as running:
            assert running.handed_out == 0
        assert len(remembered(study)) == len(others)
        if not lost:
            (study.folder / "study.db").unlink()


def test_a_sampler_begins_with_what_it_was_given(tmp_path: Path, others: tuple[Elsewhere, ...]) -> None:
    many = tuple(others[1].model_copy(update={"source": f"made:{i}"}) for i in range(12))
    for sampler in ("gp", "tpe", "nsga2"):
        study = fakes.study(tmp_path / sampler, sampler=sampler)
        with search(study, trials=3, warm=many) as running:
            finish_all(running)
            assert running.complete


def test_other_data_another_network_or_measurement_is_refused(tmp_path: Path) -> None:
    other = fakes.study(tmp_path / "other")
    with search(other, trials=1) as running:
        finish_all(running)
    for part, changed in (
        ("data", {"name": "cifar10"}),
        ("network", {"options": {"width": 3}}),
        ("measure", {"attack_steps": 3}),
    ):
        space = fakes.space()
        space = space.model_copy(update={part: getattr(space, part).model_copy(update=changed)})
        with pytest.raises(InputError, match=f"another '{part}'"):
            points_elsewhere([str(other.folder)], space, tmp_path)


def test_a_study_of_which_nothing_fits_is_refused(tmp_path: Path) -> None:
    other = fakes.study(tmp_path / "other")
    with search(other, trials=1) as running:
        finish_all(running)
    space = fakes.space()
    space = space.model_copy(update={"methods": {"uniform": {}}})
    with pytest.raises(InputError, match="nothing of the study"):
        points_elsewhere([str(other.folder)], space, tmp_path)
    with pytest.raises(InputError, match="HOME/studies/NAME"):
        points_elsewhere([str(tmp_path)], space, tmp_path)
    with pytest.raises(InputError, match="no study 'nothing'"):
        points_elsewhere(["nothing"], space, tmp_path)


def test_a_file_that_cannot_be_read_is_named(study: Study) -> None:
    (study.folder / "warm_start.json").write_text("[1]")
    with pytest.raises(RecordError, match=r"warm_start\.json"), search(study):
        pass
