"""The benchmark of samplers: its list of trials, its table, its model, its searches, on tables made in a moment."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from frontier import registry
from frontier.api.lookups import load_space
from frontier.errors import InputError
from frontier.frozen import digest
from frontier.results.measure import Measure
from frontier.results.profile import Profile
from frontier.results.record import MaskFile, Origin, Point, ReluCount, Scores, TrialRecord
from frontier.results.rung import Rung, rung_of, write_rung
from frontier.results.spec import TrialSpec
from frontier.results.store import Study, StudyManifest, write_record
from frontier.spaces.space import Space
from frontier.trial.check import check
from frontier.trial.run import run

ROOT = Path(__file__).parents[2]
HERE = ROOT / "benchmarks" / "samplers"
REFERENCE = ROOT / "results" / "reference" / "samplers"
NOISE = 0.01
SPACE = """
version: 1
question: Is anything here?
data: {name: digits}
network: {name: tinynet, options: {width: 8}}
teacher: {recipe: {epochs: 1, lr: 0.01}}
relu_budget: {log: [0, 100%]}
anchors: [100%, 0]
methods:
  random: {}
  snl: {penalty: {log: [1e-3, 1e-1]}, exact: true}
finetune: {epochs: 1, lr: {log: [0.001, 0.1]}}
measure: {corruptions: [contrast]}
"""


@pytest.fixture(scope="module")
def parts(samplers: Any) -> Any:
    return samplers


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    path = tmp_path_factory.mktemp("spaces") / "made.yaml"
    path.write_text(SPACE)
    return load_space(str(path))


@pytest.fixture(scope="module")
def study(parts: Any, space: Space, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """120 random trials and their repetitions, answered by a formula."""
    home = tmp_path_factory.mktemp("home")
    found = Study.create(home, manifest(parts, space), SPACE)
    for job in parts.recording.listed(120):
        spec = parts.recording.spec_of(space, job)
        folder = found.trial_folder(job.trial)
        folder.mkdir(parents=True)
        write_record(folder, answered(spec, job.trial))
    return found


@pytest.fixture(scope="module")
def recorded(parts: Any, space: Space, study: Study, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return parts.table.compact(space, [study], tmp_path_factory.mktemp("table") / "made.csv.gz")


@pytest.fixture(scope="module")
def landscape(parts: Any, space: Space, recorded: Any) -> Any:
    return parts.landscape.landscape_of(recorded, space)


def test_a_longer_list_keeps_the_beginning_of_a_shorter_one(parts: Any) -> None:
    short, long = list(parts.recording.listed(25)), list(parts.recording.listed(1500))
    assert long[: len(short)] == short
    assert [job.trial for job in long] == list(range(len(long)))
    assert [sum(job.repetition is kind for job in long) for kind in (False, True)] == [1500, 150]


def test_a_repetition_differs_in_nothing_but_its_seed(parts: Any, space: Space) -> None:
    jobs = list(parts.recording.listed(10))
    again = jobs[-1]
    assert again.repetition
    first = next(job for job in jobs if job.draw == again.draw)
    one, other = parts.recording.spec_of(space, first), parts.recording.spec_of(space, again)
    assert one.seed != other.seed
    assert one == other.model_copy(update={"seed": one.seed})


def test_recording_goes_on_where_it_was_and_leaves_what_another_process_is_at(
    parts: Any, space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []

    def attempt(work: Any, asked: Any) -> None:
        ran.append(asked.trial)
        write_record(asked.folder, answered(asked.spec, asked.trial))

    monkeypatch.setattr(parts.recording, "attempt", attempt)
    monkeypatch.setattr(parts.recording, "load_space", lambda name: space)
    monkeypatch.setattr(parts.recording.signal, "signal", lambda *_: None)
    found = Study.create(tmp_path, manifest(parts, space), SPACE)
    jobs = list(parts.recording.listed(4))
    parts.recording.work_off("made", tmp_path, jobs[:2], None)
    taken = found.trial_folder(2)
    taken.mkdir()
    with FileLock(taken / ".taken"):
        parts.recording.work_off("made", tmp_path, jobs, None)
    assert ran == [0, 1, 3]
    parts.recording.work_off("made", tmp_path, jobs, None)
    assert ran == [0, 1, 3, 2]


def test_a_table_goes_on_in_another_home(
    parts: Any, space: Space, study: Study, recorded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "made.csv.gz", Study.create(tmp_path, manifest(parts, space), SPACE)
    begun = Study.create(tmp_path / "begun", manifest(parts, space), SPACE)
    for job in parts.recording.listed(120):
        home = begun if job.trial < 50 else other
        if job.trial > 40:  # some are in both
            home.trial_folder(job.trial).mkdir(parents=True)
            write_record(home.trial_folder(job.trial), study.record(job.trial))
    for trial in range(41):
        begun.trial_folder(trial).mkdir(parents=True)
        write_record(begun.trial_folder(trial), study.record(trial))
    parts.table.compact(space, [begun], path)
    assert parts.table.recorded(path, space, begun.name) == set(range(50))
    asked: list[int] = []
    monkeypatch.setattr(parts.recording, "load_space", lambda name: space)
    monkeypatch.setattr(parts.recording, "_watch", lambda study, jobs, running: asked.extend(job.trial for job in jobs))
    monkeypatch.setattr(parts.recording, "study_of", lambda home, space: other)
    assert parts.recording.record("made", tmp_path, 120, 0, None, path) == 0
    assert asked == list(range(50, 132))
    assert parts.table.compact(space, [other], path).hash == recorded.hash
    assert parts.table.compact(space, [], path).hash == recorded.hash


def test_the_table_holds_what_the_records_say(parts: Any, space: Space, study: Study, recorded: Any) -> None:
    assert recorded.about.trials == len(recorded.rows) == 132
    assert recorded.rows.draw.nunique() == 120
    row, record = recorded.rows.iloc[5], study.record(5)
    assert row.trial == 5
    assert row["relu_budget+1"] == record.spec.relu_budget + 1
    assert row["finetune.lr"] == pytest.approx(record.spec.finetune.lr, rel=1e-5)
    assert row.test_clean == pytest.approx(record.points[0].test.clean.value, rel=1e-5)
    assert row.s_linearize == record.origin.wall_s["linearize"]
    without = recorded.rows[recorded.rows.method == "random"]
    assert without["snl.penalty"].isna().all()


def test_a_recorded_trial_keeps_its_rungs_and_finds_what_it_finds_without(
    parts: Any, space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = space.finetune | {"epochs": 4}
    space = space.model_copy(update={"finetune": longer, "data": space.data.model_copy(update={"train_images": 100})})
    monkeypatch.setattr(parts.recording, "load_space", lambda name: space)
    monkeypatch.setattr(parts.recording.signal, "signal", lambda *_: None)
    monkeypatch.setenv(registry.FOLDERS, os.environ[registry.FOLDERS])
    found = Study.create(tmp_path, manifest(parts, space), SPACE)
    jobs = list(parts.recording.listed(2))
    looked_at = parts.recording.runtime_of(tmp_path, None, 1)
    alone = dataclasses.replace(looked_at, pruner=None)
    parts.recording.work_off("made", tmp_path, jobs, looked_at)
    for job in jobs:
        same = run(parts.recording.spec_of(space, job), tmp_path / "alone" / str(job.trial), alone, trial=job.trial)
        assert found.record(job.trial).comparable() == same.comparable()
    rows = parts.table.compact(space, [found], tmp_path / "made.csv.gz").rows
    for level in (1, 2):
        rungs = [rung_of(found.trial_folder(trial), level) for trial in rows.trial]
        assert all(rung is not None and rung.stopped is None for rung in rungs)
        assert list(rows[f"rung{level}_clean"]) == pytest.approx([rung.clean for rung in rungs], rel=1e-5)
        assert list(rows[f"rung{level}_relu_count"]) == list(rows.relu_count)
    assert (rows.rung2_since_s < rows.rung1_since_s).all()


def test_trials_recorded_without_rungs_have_empty_ones(parts: Any, space: Space, study: Study, tmp_path: Path) -> None:
    found = Study.create(tmp_path, manifest(parts, space), SPACE)
    for job in parts.recording.listed(2):
        folder = found.trial_folder(job.trial)
        folder.mkdir(parents=True)
        write_record(folder, answered(parts.recording.spec_of(space, job), job.trial))
    write_rung(found.trial_folder(1), Rung(level=2, relu_count=3, clean=0.5, corrupted=0.25, adversarial=0.125))
    rows = parts.table.compact(space, [found], tmp_path / "made.csv.gz").rows
    assert rows.rung2_clean.isna().tolist() == [True, False]
    assert rows.rung2_corrupted[1] == 0.25
    assert not [name for name in parts.table.compact(space, [study], tmp_path / "other.csv.gz").rows if "rung" in name]


def test_failed_trials_extra_points_and_other_questions_are_told_apart(
    parts: Any, space: Space, tmp_path: Path
) -> None:
    found = Study.create(tmp_path, manifest(parts, space), SPACE)
    specs = [parts.recording.spec_of(space, job) for job in parts.recording.listed(3)]
    extra = answered(specs[0], 0)
    extra = extra.model_copy(update={"points": (*extra.points, point(specs[0]).model_copy(update={"role": "extra"}))})
    failed = TrialRecord(trial=1, state="failed", reason="NaN", spec=specs[1], origin=extra.origin)
    other = answered(specs[2].model_copy(update={"passes": 3.0}), 2)
    for record in (extra, failed, other):
        folder = found.trial_folder(record.trial or 0)
        folder.mkdir(parents=True)
        write_record(folder, record)
    made = parts.table.compact(space, [found], tmp_path / "made.csv.gz")
    assert made.about.left_out == 1
    assert list(zip(made.rows.trial, made.rows.point, made.rows.role, made.rows.state, strict=True)) == [
        (0, 0, "asked", "complete"),
        (0, 1, "extra", "complete"),
        (1, 0, "asked", "failed"),
    ]
    assert list(made.complete.trial) == [0]


def test_the_space_of_four_methods_can_be_searched(parts: Any) -> None:
    space = load_space(str(HERE / "digits_methods.yaml"))
    for job in parts.recording.listed(12):
        check(parts.recording.spec_of(space, job))


def test_a_table_of_another_question_or_no_table_is_refused(parts: Any, space: Space, tmp_path: Path) -> None:
    other = tmp_path / "made.csv.gz"
    other.write_bytes(b"not a table")
    with pytest.raises(InputError, match="not a recorded table"):
        parts.table.read(other, space)
    with pytest.raises(InputError, match="cannot be read"):
        parts.table.read(tmp_path / "missing", space)


def test_the_model_predicts_what_it_was_not_fitted_to_and_knows_the_noise(landscape: Any) -> None:
    clean = [fit for fit in landscape.fits if fit.objective == "clean"]
    assert {fit.method for fit in clean} == {"random", "snl"}
    for fit in clean:
        assert 0.3 * NOISE < fit.noise < 3 * NOISE
        assert fit.rmse < 4 * NOISE
        assert fit.rank is not None
        assert fit.rank > 0.9


def test_a_simulated_trial_is_the_formula_with_noise_that_was_seen(parts: Any, space: Space, landscape: Any) -> None:
    spec = parts.recording.spec_of(space, parts.recording.Job(0, 777, repetition=False))
    row = parts.simulation.row_of(space, spec)
    exact = landscape.exact([row])[0]
    assert exact[0] == pytest.approx(formula(spec), abs=0.05)
    assert exact[3] == pytest.approx(math.log10(max(spec.relu_budget, 1)), abs=0.05)
    rng = np.random.default_rng(0)
    noisy = np.array([landscape.noisy(exact, row, rng) for _ in range(200)])
    assert 0 < noisy[:, 0].std() < 4 * NOISE
    assert landscape.seconds(row) in set(landscape.recorded[spec.method][1])


def test_a_table_without_repetitions_is_refused(parts: Any, space: Space, recorded: Any) -> None:
    once = parts.table.Table(recorded.about, recorded.rows.drop_duplicates("draw"), "")
    with pytest.raises(InputError, match="two seeds"):
        parts.landscape.landscape_of(once, space)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_simulated_search_is_the_same_twice_and_never_loses_volume(parts: Any, landscape: Any, sampler: str) -> None:
    setting = parts.simulation.Setting(sampler, seed=3, trials=14, concurrency=4)
    one, other = parts.simulation.simulate(landscape, setting), parts.simulation.simulate(landscape, setting)
    assert one.exact == other.exact
    assert len(one.exact) == len(one.observed) == len(one.ask_s) == 14
    assert list(one.exact) == sorted(one.exact)
    assert 0 < one.exact[-1] <= 1


def test_the_whole_command_prints_what_its_evidence_says(
    parts: Any, space: Space, recorded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    loaded = importlib.util.spec_from_file_location("samplers_main", HERE / "__main__.py")
    assert loaded is not None
    assert loaded.loader is not None
    main: Any = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(main)
    path, out, page = tmp_path / "made.csv.gz", tmp_path / "made.json", tmp_path / "figure.html"
    monkeypatch.setattr(main, "load_space", lambda name: space)
    monkeypatch.setattr(parts.simulation, "DENSE", 64)
    monkeypatch.setattr(main.table, "read", lambda *_: recorded)
    few = ["--seeds", "2", "--trials", "6", "--samplers", "random"]
    options = ["--space", "made", "--table", str(path), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["x", "simulate", *options, *few])
    assert main.main() == 0
    ran = parts.evidence.read(out)
    assert [(run.sampler, run.seed, len(run.exact)) for run in ran.runs] == [("random", 0, 6), ("random", 1, 6)]
    assert ran.table == recorded.hash
    monkeypatch.setattr(sys, "argv", ["x", "--report", *options, "--figure", str(page)])
    capsys.readouterr()
    assert main.main() == 0
    said = capsys.readouterr().out
    assert "random" in said
    assert "snl, clean" in said
    assert page.read_text().count("<script>") >= 1


def test_committed_evidence_is_of_the_committed_table(parts: Any) -> None:
    for path in REFERENCE.glob("*.json"):
        found, own = parts.evidence.read(path), HERE / f"{path.stem}.yaml"
        space = load_space(str(own) if own.exists() else path.stem)
        table = parts.table.read(REFERENCE / f"{path.stem}.csv.gz", space)
        assert found.table == table.hash
        assert found.recorded == table.about.trials
        assert (REFERENCE / f"{path.stem}.csv.gz").stat().st_size < 1_000_000
        assert list(parts.words.report(found, 4))


def manifest(parts: Any, space: Space) -> StudyManifest:
    return StudyManifest(
        name=f"samplers-{space.name}",
        space=space.model_dump(mode="json"),
        space_hash=space.space_hash,
        seed=0,
        sampler="random",
        relus=space.relus,
        created_at="2026-01-01T00:00:00+00:00",
        code_version="0",
    )


def formula(spec: TrialSpec) -> float:
    """Clean accuracy without noise: more with more ReLUs, best at a rate of 0.01, less for random masks."""
    share = math.log10(spec.relu_budget + 1) / math.log10(769)
    rate = (math.log10(spec.finetune.lr) + 2) ** 2
    return 0.4 + 0.4 * share - 0.1 * rate - (0.1 if spec.method == "random" else 0.0)


def point(spec: TrialSpec) -> Point:
    luck = NOISE * math.sqrt(12) * (int(digest(spec, 6), 16) / 0xFFFFFF - 0.5)
    clean = min(max(formula(spec) + luck, 0.0), 1.0)
    scores = Scores(
        clean=Measure.of(clean, 500), corrupted=Measure.of(0.8 * clean, 500), adversarial=Measure.of(0.5 * clean, 500)
    )
    return Point(
        relu_budget=spec.relu_budget,
        relu_count=spec.relu_budget,
        counts=ReluCount(full=spec.relu_budget, inner=spec.relu_budget),
        validation=scores,
        test=scores,
        profile=Profile(sites=(), linear=()),
        mask=MaskFile(file="mask.safetensors", hash="0"),
    )


def answered(spec: TrialSpec, trial: int) -> TrialRecord:
    origin = Origin(code_version="0", device="cpu", threads=1, wall_s={"teacher": 1.0, "linearize": 2.0 + trial / 100})
    return TrialRecord(trial=trial, state="complete", spec=spec, points=(point(spec),), origin=origin)
