"""Pruning in the benchmark of samplers: modelled rungs, the pruner's own rule, time that is counted, equal time."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from frontier.api.lookups import load_space
from frontier.driver.study import Search
from frontier.errors import InputError
from frontier.pruners import stratified
from frontier.results.rung import Rung
from frontier.spaces.space import Space

MAIN = Path(__file__).parents[2] / "benchmarks" / "samplers" / "__main__.py"
SPACE = """
version: 1
question: Who goes on?
data: {name: digits}
network: {name: tinynet, options: {width: 8}}
teacher: {recipe: {epochs: 1, lr: 0.01}}
relu_budget: {log: [0, 100%]}
methods: {random: {}}
finetune: {epochs: 5, lr: {log: [0.001, 0.1]}}
measure: {corruptions: [contrast]}
"""
WHOLE_S, SINCE_S, LOOK_S = 5.0, {2: 1.0, 1: 2.0}, 0.25  # of every trial, without its teacher
Ruled = Callable[[Callable[[Rung, Sequence[Rung]], str | None]], None]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    path = tmp_path_factory.mktemp("spaces") / "rungs.yaml"
    path.write_text(SPACE)
    return load_space(str(path))


@pytest.fixture(scope="module")
def recorded(samplers: Any, space: Space) -> Any:
    """60 random trials and their repetitions; rungs have half of the accuracies and twice the luck of the end."""
    rows = []
    for job in samplers.recording.listed(60):
        spec = samplers.recording.spec_of(space, job)
        luck = 0.01 * np.random.default_rng(job.trial).normal()
        share = math.log10(spec.relu_budget + 1) / math.log10(769)
        clean = 0.4 + 0.4 * share - 0.1 * (math.log10(spec.finetune.lr) + 2) ** 2
        row = {"draw": job.draw, "trial": job.trial, "state": "complete", "role": "asked"}
        row |= samplers.answers.row_of(space, spec) | {"relu_count": spec.relu_budget}
        row |= {f"validation_{name}": clean + luck for name in ("clean", "corrupted", "adversarial")}
        for level, since in SINCE_S.items():
            row |= {f"rung{level}_{name}": clean / 2 + 2 * luck for name in ("clean", "corrupted", "adversarial")}
            looks = {"since_s": 3.0 + since, "measure_s": LOOK_S, "ask_s": 0.0, "relu_count": spec.relu_budget}
            row |= {f"rung{level}_{name}": value for name, value in looks.items()}
        rows.append(row | {"s_teacher": 3.0, "s_linearize": WHOLE_S + 2 * LOOK_S})
    about = samplers.table.About(
        space=space.name,
        space_hash=space.space_hash,
        trials=len(rows),
        code_versions=("0",),
        torch=("0",),
        devices=("cpu",),
    )
    return samplers.table.Table(about, pd.DataFrame(rows), "made")


@pytest.fixture(scope="module")
def landscape(samplers: Any, space: Space, recorded: Any) -> Any:
    return samplers.landscape.landscape_of(recorded, space)


@pytest.fixture
def ruled(samplers: Any, monkeypatch: pytest.MonkeyPatch) -> Ruled:
    """Puts another rule in the pruner's place."""

    def put(stops: Callable[[Rung, Sequence[Rung]], str | None]) -> None:
        rule = SimpleNamespace(REDUCTION=stratified.REDUCTION, GRACE=stratified.GRACE, stops=stops)
        monkeypatch.setattr(samplers.simulation, "registry", SimpleNamespace(load=lambda axis, name: rule))

    return put


def test_rungs_are_modelled_and_their_luck_is_that_of_the_end(samplers: Any, space: Space, landscape: Any) -> None:
    assert landscape.levels == (2, 1)
    rungs = [fit for fit in landscape.fits if "rung" in fit.objective]
    assert len(rungs) == 6
    assert all(fit.rmse < 0.05 and fit.rank > 0.9 for fit in rungs)
    row = samplers.answers.row_of(space, samplers.recording.spec_of(space, samplers.recording.Job(0, 777, False)))
    lucks = np.array([landscape.luck(row, np.random.default_rng(seed)) for seed in range(20)])
    assert lucks[:, 0].std() > 0
    assert lucks[:, 4:] == pytest.approx(np.repeat(2 * lucks[:, :1], 6, axis=1))
    exact = landscape.exact([row])[0]
    for rung in landscape.rungs(row, np.zeros(10), 7):
        assert rung.clean == pytest.approx(exact[0] / 2, abs=0.05)
        assert rung.relu_count == 7


def test_a_trial_takes_the_time_to_where_it_stops_and_that_of_being_looked_at(
    samplers: Any, landscape: Any, ruled: Ruled
) -> None:
    def ended(pruner: str | None) -> Any:
        return samplers.simulation.simulate(landscape, samplers.simulation.Setting("random", 0, 3, 1, pruner))

    assert ended(None).ended_s == pytest.approx([WHOLE_S, 2 * WHOLE_S, 3 * WHOLE_S])
    ruled(lambda mine, others: "at once")
    first = SINCE_S[2] + LOOK_S
    assert ended("stratified").ended_s == pytest.approx([first, 2 * first, 3 * first])
    assert ended("stratified").pruned == (0, 1, 2)
    assert ended("stratified").exact == (0, 0, 0)
    ruled(lambda mine, others: "second" if mine.level == 1 else None)
    assert ended("stratified").ended_s[0] == pytest.approx(SINCE_S[1] + 2 * LOOK_S)


def test_a_pruner_that_stops_nobody_changes_nothing_but_the_clock(samplers: Any, landscape: Any, ruled: Ruled) -> None:
    ruled(lambda mine, others: None)
    without, looked_at = (
        samplers.simulation.simulate(landscape, samplers.simulation.Setting("tpe", 1, 14, 4, pruner))
        for pruner in (None, "stratified")
    )
    assert looked_at.exact == without.exact
    assert looked_at.observed == without.observed
    assert looked_at.ended_s[-1] > without.ended_s[-1]


def test_the_rule_sees_all_others_at_the_rung_and_the_search_is_told_who_was_pruned(
    samplers: Any, landscape: Any, ruled: Ruled, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    told: list[tuple[int, int]] = []

    class Told(Search):  # type: ignore[misc]
        def collect(self, trial: int) -> None:
            super().collect(trial)
            told.append((self.counts().complete, self.counts().pruned))

    def stops(mine: Rung, others: Sequence[Rung]) -> str | None:
        seen.append((mine.level, len(others)))
        return "every third" if mine.level == 2 and len(others) % 3 == 0 else None

    ruled(stops)
    monkeypatch.setattr(samplers.simulation, "Search", Told)
    run = samplers.simulation.simulate(landscape, samplers.simulation.Setting("random", 0, 7, 1, "stratified"))
    assert run.pruned == (0, 3, 6)
    assert told[-1] == (4, 3)
    assert [count for level, count in seen if level == 2] == [0, 1, 2, 3, 4, 5, 6]
    assert [count for level, count in seen if level == 1] == [0, 1, 2, 3]


def test_a_search_goes_on_until_its_trials_and_its_time_are_over(samplers: Any, landscape: Any) -> None:
    setting = samplers.simulation.Setting("random", 0, 20, 4, "stratified", until_s=20 * WHOLE_S / 4)
    run, again = samplers.simulation.simulate(landscape, setting), samplers.simulation.simulate(landscape, setting)
    assert run.exact == again.exact
    assert run.pruned
    assert run.ended_s[-1] >= setting.until_s
    assert len(run.exact) > 20
    assert list(run.exact) == sorted(run.exact)
    assert run.by(run.ended_s[4]) >= 5
    assert run.by(run.ended_s[-1] + 1) is None
    assert run.by(0) == 0


def test_what_cannot_be_asked_of_a_pruner_is_refused(
    samplers: Any, space: Space, recorded: Any, landscape: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = samplers.simulation.Setting("random", 0, 3, 1, "stratified")
    rows = recorded.rows.assign(**{name: np.nan for name in recorded.rows if name.startswith("rung2")})
    without = samplers.landscape.landscape_of(samplers.table.Table(recorded.about, rows, ""), space)
    assert without.levels == ()
    with pytest.raises(InputError, match="too few trials were recorded with rungs"):
        samplers.simulation.simulate(without, setting)
    rule = SimpleNamespace(REDUCTION=3, GRACE=1 / 9, stops=None)
    monkeypatch.setattr(samplers.simulation, "registry", SimpleNamespace(load=lambda axis, name: rule))
    with pytest.raises(InputError, match="where no trial was looked at"):
        samplers.simulation.simulate(landscape, setting)


def test_trials_recorded_without_rungs_are_modelled_beside_those_with(
    samplers: Any, space: Space, recorded: Any, landscape: Any
) -> None:
    rows = recorded.rows.copy()
    rows.loc[:9, [name for name in rows if name.startswith("rung")]] = np.nan
    some = samplers.landscape.landscape_of(samplers.table.Table(recorded.about, rows, ""), space)
    assert some.levels == (2, 1)
    assert some.pairs == landscape.pairs - 1
    assert len(some.recorded["random"][1]) == len(rows) - 10


def test_recorded_rungs_go_before_the_rule_one_after_another(samplers: Any, landscape: Any, recorded: Any) -> None:
    good, bad = (Rung(level=2, relu_count=9, clean=x, corrupted=x, adversarial=x) for x in (0.9, 0.1))
    assert samplers.cuts.survivors(stratified, [[good]] * 6 + [[bad]] * 2 + [[good]]) == [0, 1, 2, 3, 4, 5, 8]
    found = samplers.cuts.pruned_batches(landscape, recorded, "stratified", 30)
    assert [size for size, *_ in found] == [30, 30]
    for _, recorded_share, recorded_volume, simulated_share, simulated_volume in found:
        assert 0 < recorded_share < 1
        assert 0 < simulated_share < 1
        assert simulated_volume == pytest.approx(recorded_volume, abs=0.1)


def test_searches_are_compared_in_equal_time_seed_by_seed(samplers: Any, landscape: Any) -> None:
    """A trial takes 2 s: the time of 30 random ones, four at once, is 15 s; the pruned one has 40 trials by then."""
    curve = tuple(n / 200 for n in range(1, 121))
    runs = [
        samplers.evidence.Run(
            sampler="random",
            pruner=pruner,
            seed=seed,
            concurrency=4,
            exact=curve,
            observed=curve,
            ended_s=tuple(a_trial * n for n in range(1, 121)),
            pruned=(0, 1, 2, 3) if pruner else (),
            ask_s=(0.0,) * 120,
        )
        for pruner, a_trial in ((None, 0.5), ("stratified", 0.375))
        for seed in (0, 1)
    ]
    found = samplers.evidence.Evidence(
        space="made", space_hash="0", table="0", recorded=1, pairs=1, fits=(), batches=(), dense=0.5, dense_trials=1,
        random_s=2.0, code_version="0", machine="made", runs=tuple(runs),
    )  # fmt: skip
    said = [line.split() for line in samplers.words.difference_table(found, 4)]
    assert said[1] == ["random", "stratified", "2", "10.00", "+-", "0.00", "20.00", "+-", "0.00", "-"]
    lines = {tuple(line.split()[:2]): line.split()[2:] for line in samplers.words.pruner_table(found, 4)}
    assert lines["random", "none"][:10] == ["2", "30.0", "+-", "0.0", "60.0", "+-", "0.0", "120.0", "+-", "0.0"]
    assert lines["random", "stratified"][10:13] == ["40.0", "+-", "0.0"]
    assert sum(line.startswith("random ") for line in samplers.words.sampler_table(found, 4)) == 1


def test_the_command_simulates_without_and_with_the_pruner_and_says_what_time_is_meant(
    samplers: Any,
    space: Space,
    recorded: Any,
    landscape: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    loaded = importlib.util.spec_from_file_location("samplers_main", MAIN)
    assert loaded is not None
    assert loaded.loader is not None
    main: Any = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(main)
    monkeypatch.setattr(main, "load_space", lambda name: space)
    monkeypatch.setattr(samplers.simulation, "DENSE", 32)
    monkeypatch.setattr(samplers.words, "MARKS", (8, 16))
    monkeypatch.setattr(main.table, "read", lambda *_: recorded)
    out = tmp_path / "made.json"
    options = [
        "x",
        "simulate",
        "--space",
        "made",
        "--out",
        str(out),
        "--seeds",
        "2",
        "--trials",
        "16",
        "--samplers",
        "random",
    ]
    monkeypatch.setattr(sys, "argv", options)
    assert main.main() == 0
    said = capsys.readouterr().out
    found = samplers.evidence.read(out)
    assert [(run.pruner, run.seed) for run in found.runs] == [
        (None, 0),
        (None, 1),
        ("stratified", 0),
        ("stratified", 1),
    ]
    assert found.random_s == pytest.approx(WHOLE_S)
    assert all(run.ended_s[-1] >= 16 * WHOLE_S / 4 for run in found.runs)
    assert "random, clean at rung 2" in said
    assert "4 at once, 5 s each (10, 20 s)" in said
    assert "With the pruner less without" in said
    monkeypatch.setattr(samplers.simulation, "simulate", lambda *_: pytest.fail("ran again"))
    assert main.main() == 0
