"""A search whose objectives are prices: what the sampler is told, the front, and a point that has no price."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import search_fakes as fakes
from optuna.trial import TrialState
from search_books import remembered

from frontier.driver.study import Search
from frontier.driver.work import Asked
from frontier.latency import crypten
from frontier.latency._link import NAMED
from frontier.results.profile import LinearProfile, Profile, SiteProfile
from frontier.results.record import Point, TrialRecord
from frontier.results.store import Study, write_record
from frontier.spaces.space import Space

LAYERS = 4
WAN = "online_s@crypten/wan"


def question(*objectives: str) -> Space:
    return fakes.space().model_copy(update={"objectives": objectives})


def profile(relus: int, layers: int, squares: int = 0) -> Profile:
    """`relus` in the last `layers` of LAYERS equal layers."""
    size = fakes.RELUS // LAYERS
    kept = [0] * (LAYERS - layers) + [relus // layers] * layers
    kept[-1] += relus - sum(kept)
    sites = (
        SiteProfile(path=f"relu{i}", shape=(size, 1, 1), relus=size, kept=count, squares=squares if not i else 0)
        for i, count in enumerate(kept)
    )
    linear = LinearProfile(path="conv", kind="conv2d", macs=10**6, input_elements=3072, output_elements=size)
    return Profile(sites=tuple(sites), linear=(linear,))


def finish(running: Search, asked: Asked, found: Profile, *extras: Profile) -> TrialRecord:
    def as_point(point: Point, found: Profile, role: str) -> Point:
        return point.model_copy(update={"profile": found, "relu_count": found.kept, "role": role})

    record = fakes.complete(asked.trial, asked.spec)
    points = (as_point(record.points[0], found, "asked"), *(as_point(record.points[0], e, "extra") for e in extras))
    record = record.model_copy(update={"points": points})
    write_record(asked.folder, record)
    running.collect(asked.trial)
    return record


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path, question("clean", WAN))


def test_the_sampler_is_told_the_logarithm_of_the_seconds(study: Study) -> None:
    with Search(study, question("clean", WAN), trials=2) as running:
        record = finish(running, running.ask(), profile(100, 2), profile(200, 1))
    asked, extra = remembered(study)
    for told, point in ((asked, record.points[0]), (extra, record.points[1])):
        seconds = crypten.price(point.profile, NAMED["wan"]).online_s
        assert told.values == pytest.approx([point.validation.clean.value, math.log10(seconds)])


def test_the_front_is_by_seconds_and_survives_a_resume(study: Study) -> None:
    with Search(study, question("clean", WAN), trials=3) as running:
        packed = finish(running, asked := running.ask(), profile(300, 2))
        spread = packed.model_copy(
            update={"points": (packed.points[0].model_copy(update={"profile": profile(40, 4)}),)}
        )
        running.ask()
        write_record(study.trial_folder(1), spread)
        running.collect(1)
        before = running.front(), running.hypervolume()
    assert asked.trial == 0
    assert before[0] == ("0",)  # more ReLUs in fewer layers, equal accuracy
    (study.folder / "study.db").unlink()
    with Search(study, question("clean", WAN), trials=3) as again:
        assert (again.front(), again.hypervolume()) == before
    assert [trial.state for trial in remembered(study)] == [TrialState.COMPLETE] * 2


def test_a_point_without_a_price_is_on_no_front_and_no_success_to_the_sampler(tmp_path: Path) -> None:
    asked_for = question("clean", "online_s@delphi/wan")
    study = fakes.study(tmp_path, asked_for)
    with Search(study, asked_for, trials=2) as running:
        finish(running, running.ask(), profile(100, 2, squares=5), profile(50, 2, squares=5))
        assert (running.counts().complete, running.front(), running.hypervolume()) == (1, (), 0)
        finish(running, running.ask(), profile(100, 2))
        assert running.front() == ("1",)
    assert [trial.state for trial in remembered(study)] == [TrialState.FAIL, TrialState.COMPLETE]
    with Search(study, asked_for, trials=2) as again:
        assert again.front() == ("1",)
    assert [trial.state for trial in remembered(study)] == [TrialState.FAIL, TrialState.COMPLETE]


@pytest.mark.parametrize("sampler", ["gp", "tpe", "qmc", "random"])
def test_every_sampler_takes_two_objectives(tmp_path: Path, sampler: str) -> None:
    asked_for = question("clean", WAN)
    study = fakes.study(tmp_path, asked_for, sampler=sampler)
    with Search(study, asked_for, trials=14) as running:
        while asked := running.ask():
            finish(running, asked, profile(max(asked.spec.relu_budget, 1), 1 + asked.trial % LAYERS))
    assert running.complete
