"""A study's point is measured, and its record gains the figures and loses nothing; show and price have them beside."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

import frontier
from frontier.cli._app import app
from frontier.errors import InputError
from frontier.results.measured import LinkEmulated, Measured, Spread
from frontier.results.record import TrialRecord
from frontier.trial.subject import add_measurement

SPACE = """
question: How long does it take?
data: {name: digits, train_images: 200}
network: {name: tinynet, options: {width: 2}}
teacher: {recipe: {epochs: 2, optimizer: adam, lr: 0.01, batch: 50}}
relu_budget: {log: [0, 100%]}
anchors: [100%, 50]
methods:
  snl: {penalty: 0.01, max_epochs: 4, mask_lr: 0.05, batch: 50, exact: yes}
finetune: {epochs: 2, optimizer: adam, lr: 0.01, batch: 50}
measure: {corruptions: [contrast], severities: [3], corrupted_images: 50, attack_steps: 2, attack_images: 50}
search: {trials: 2, sampler: random}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a study of two trials, of which the second was measured over loopback."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "timed.yaml").write_text(SPACE)
    frontier.search(folder / "timed.yaml", home=folder / "home", backend="inline", keep="all")
    frontier.measure_point("timed", 1, home=folder / "home", engine="opened", repeats=2)
    return folder / "home"


@pytest.fixture
def study(made: Path, tmp_path: Path) -> frontier.StudyView:
    """A copy of it, that a test may spoil."""
    shutil.copytree(made, tmp_path / "home")
    return frontier.open_study("timed", tmp_path / "home")


def figures(study: frontier.StudyView, trial: int = 1) -> list[Measured]:
    return [one.measured for one in study.trial(trial).measurements]


def without(record: TrialRecord) -> TrialRecord:
    return record.model_copy(update={"measurements": ()})


def invoke(*words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_a_record_gains_the_figures_and_keeps_all_else(study: frontier.StudyView) -> None:
    (found,) = figures(study)
    point = study.trial(1).points[0]
    assert (found.engine, found.relus, found.mask_hash) == ("opened", point.relu_count, point.mask.hash)
    assert (found.repeats, found.images, found.runs, found.discarded) == (2, 1, (), ())
    assert found.online_s.min > 0
    before = study.trial(0)
    assert "measurements" not in json.loads(before.model_dump_json())
    words = ("--study", "timed", "--trial", 0, "--home", study.home, "--engine", "opened", "--repeats", 1, "--quiet")
    shown = Measured.model_validate_json(invoke("measure", *words, "--json"))
    assert [one.model_copy(update={"runs": shown.runs}) for one in figures(study, 0)] == [shown]
    assert without(study.trial(0)) == before
    assert study.trial(0).comparable() == before.comparable()
    folder = study.files.trial_folder(0)
    assert {path.name for path in folder.iterdir() if path.is_dir()} <= {"checkpoints"}  # the bundle was put aside
    assert not list(folder.glob("measured-*"))


def test_two_writers_lose_nothing_of_each_other(study: frontier.StudyView) -> None:
    (subject,) = study.subjects([1])
    (found,) = figures(study)
    many = [found.model_copy(update={"seed": seed}) for seed in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: add_measurement(subject, one), many))
    assert sorted(one.seed for one in figures(study)) == list(range(9))


def test_runs_that_do_not_count_stay_with_their_reason(study: frontier.StudyView) -> None:
    (subject,) = study.subjects([1])
    whole = frontier.measure(study.export(1, study.home / "bundle"), engine="opened", repeats=2).measured
    late = whole.runs[0].model_copy(update={"discarded": "a packet was late"})
    add_measurement(subject, whole.model_copy(update={"runs": (late, whole.runs[1])}))
    assert figures(study)[-1].runs == (late,)


def test_show_has_measured_beside_priced(study: frontier.StudyView) -> None:
    row = json.loads(invoke("show", "timed", "--trial", 1, "--home", study.home, "--json"))
    (one,) = row["measurements"]
    assert Measured.model_validate(one["measured"]) == figures(study)[0]
    assert one["protocol"] == "one_message"
    assert one["priced"]["client_cpu_s"] == pytest.approx(1e-6 * row["relu_count"])
    front = json.loads(invoke("show", "timed", "--home", study.home, "--json"))["front"]
    assert [len(point["measurements"]) for point in front if point["trial"] == 1] == [1]
    shown = invoke("show", "timed", "--trial", 1, "--home", study.home)
    assert "opened" in shown
    assert "loopback" in shown
    assert "simulated: the masks of the linear layers" in " ".join(shown.split())
    other = invoke("show", "timed", "--trial", 0, "--home", study.home)
    assert "private inference not measured: frontier measure --study timed --trial 0" in " ".join(other.split())
    assert "measurements" not in study.to_pandas().columns


def test_prices_of_a_study_have_what_was_measured_over_that_link_beside_them(study: frontier.StudyView) -> None:
    (subject,) = study.subjects([1])
    (loopback,) = figures(study)
    link = LinkEmulated(rtt_ms=40, mbit_s=400, by="tun", late_ms=0.5)
    add_measurement(subject, loopback.model_copy(update={"emulated": link}))
    prices = {
        text: frontier.price_study("timed", [1], home=study.home, protocol="one_message", link=text)[0].measured_s
        for text in ("wan", "lan", "40,100")
    }
    assert prices == {"wan": loopback.online_s.median, "lan": None, "40,100": None}
    assert frontier.price_study("timed", [1], home=study.home, link="wan")[0].measured_s is None  # another engine
    words = ("price", "--study", "timed", "--home", study.home, "--protocol", "one_message", "--link")
    head, *_ = [line for line in invoke(*words, "wan").splitlines() if line.startswith("trial")]
    assert head.split() == ["trial", "method", "ReLUs", "squares", "layers", "seconds", "measured", "MB", "rounds"]
    assert "measured " not in invoke(*words, "lan").splitlines()[1]


def test_a_calibration_takes_the_records_of_a_study(study: frontier.StudyView) -> None:
    one = frontier.calibrate(study="timed", home=study.home)
    assert (one.protocol, one.measurements, one.runs) == ("one_message", 1, 2)
    (subject,), (measured,) = study.subjects([0]), figures(study)
    seconds = 2e-6 * subject.point.relu_count
    add_measurement(subject, measured.model_copy(update={"client_cpu_s": Spread.of([seconds])}))
    found = frontier.calibrate(study="timed", home=study.home)
    assert (found.measurements, found.runs) == (2, 4)
    assert found.constants["relu.each_s"].fitted
    assert found.machines != ()


def test_the_emulated_link_is_that_of_the_record(study: frontier.StudyView, root: None) -> None:
    found = frontier.measure_point("timed", 1, home=study.home, engine="opened", repeats=2, link="20,200")
    assert figures(study)[-1].emulated == found.measured.emulated
    (priced,) = frontier.price_study("timed", [1], home=study.home, protocol="one_message", link="20,200")
    assert priced.measured_s == found.measured.online_s.median


def test_a_point_without_weights_says_how_to_get_them(study: frontier.StudyView) -> None:
    (study.files.trial_folder(1) / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=r"the weights of 1 were not kept[\s\S]*frontier trial .*record.json --out"):
        frontier.measure_point("timed", 1, home=study.home, engine="opened")
    assert len(figures(study)) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "not one network to measure"),
        (("bundle", "--study", "timed", "--trial", "1"), "not one network to measure"),
        (("--study", "timed"), "say which point: --trial N[.K]"),
        (("bundle", "--trial", "1"), "say of which study: --study STUDY"),
        (("--study", "timed", "--trial", "1", "--listen", "127.0.0.1:0"), "--study with --listen"),
        (("--study", "timed", "--trial", "9"), "has no point 9"),
        (("--study", "time", "--trial", "1"), "Did you mean 'timed'"),
    ],
)
def test_what_names_no_point_is_refused(study: frontier.StudyView, words: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(app, ["measure", *words, "--home", str(study.home)])
    assert isinstance(done.exception, InputError)
    assert says in str(done.exception)
