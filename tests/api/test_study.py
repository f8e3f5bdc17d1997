"""What a study says of extra points and norm branches, served and oracle-routed, in Python and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import frontier
from frontier.cli._app import app
from frontier.results.measure import Measure
from frontier.results.migrate import read_record
from frontier.results.record import Point, Scores, Splits
from frontier.results.store import Study, StudyManifest, write_record

FIRST = Path(__file__).parents[1] / "results" / "record_v1.json"


def splits(*accuracies: float) -> Splits:
    clean, corrupted, adversarial = (Measure.of(value, 100) for value in accuracies)
    scores = Scores(clean=clean, corrupted=corrupted, adversarial=adversarial)
    return Splits(validation=scores, test=scores)


def with_scores(point: Point, served: Splits, **fields: object) -> Point:
    return point.model_copy(update={"validation": served.validation, "test": served.test, **fields})


@pytest.fixture
def study(tmp_path: Path) -> frontier.StudyView:
    """Trial 0 has a label on its extra point; trial 1 has branches and is better than it only when oracle-routed."""
    first = read_record(FIRST.read_bytes(), where="x")
    manifest = StudyManifest(
        name="made", space={"question": "none"}, space_hash="0", seed=0, sampler="random", relus=1000,
        created_at="2026-01-01T00:00:00Z", code_version="0",
    )  # fmt: skip
    study = Study.create(tmp_path, manifest, "name: made\n")
    plain = with_scores(first.points[0], splits(0.9, 0.7, 0.3))
    extra = with_scores(plain, splits(0.8, 0.6, 0.1), role="extra", label="snapshot after epoch 7", relu_count=50)
    branches = {"clean": splits(0.92, 0.72, 0.1), "adversarial": splits(0.8, 0.6, 0.4)}
    branched = with_scores(plain, branches["adversarial"], branch="adversarial", branches=branches, relu_count=80)
    knobs = first.spec.model_copy(update={"method": "rlnet", "knobs": {"branch": "adversarial"}})
    records = (
        first.model_copy(update={"trial": 0, "points": (plain, extra), "passes": {"search": 12.0}}),
        first.model_copy(update={"trial": 1, "points": (branched,), "spec": knobs}),
    )
    for record in records:
        folder = study.trial_folder(study.claim())
        write_record(folder, record)
    return frontier.open_study("made", tmp_path)


def test_a_row_says_what_its_point_is(study: frontier.StudyView) -> None:
    extra, asked, branched = json.loads(json.dumps(study.summary()))["front"]
    assert [(row["trial"], row["point"], row["role"], row["label"]) for row in (extra, asked)] == [
        (0, 1, "extra", "snapshot after epoch 7"),
        (0, 0, "asked", ""),
    ]
    assert (asked["branch"], asked["branches"], asked["passes"]) == (None, {}, {"search": 12.0})
    assert asked["fidelity"] == study.trial(0).origin.fidelity
    assert (branched["branch"], sorted(branched["branches"])) == ("adversarial", ["adversarial", "clean"])
    assert branched["branches"]["adversarial"]["test"] == branched["test"]
    assert branched["branches"]["clean"]["validation"]["clean"]["value"] == 0.92


def test_oracle_routing_is_asked_for_and_says_so(study: frontier.StudyView) -> None:
    served, routed = study.summary(), study.summary(oracle=True)
    assert (served["routing"], routed["routing"]) == ("served", "oracle")
    assert "warning" not in served
    assert routed["warning"] == "oracle-routed: no deployed network has these figures"
    assert [row["clean"] for row in served["front"]] == [0.8, 0.9, 0.8]
    assert [row["clean"] for row in routed["front"]] == [0.8, 0.9, 0.92]
    assert [row["routing"] for row in routed["front"]] == ["served", "served", "oracle"]
    assert routed["front"][2]["adversarial"] == 0.4
    assert routed["hypervolume"] == served["hypervolume"] == study.hypervolume()
    assert [found.address for found in study.front(oracle=True)] == ["0.1", "0", "1"]


def test_to_pandas_names_role_branch_fidelity_and_squares(study: frontier.StudyView) -> None:
    table = study.to_pandas()
    assert list(table["address"]) == ["0", "0.1", "1"]
    assert list(table["role"]) == ["asked", "extra", "asked"]
    assert list(table["label"]) == ["", "snapshot after epoch 7", ""]
    assert list(table["squares"]) == [0, 0, 0]
    assert {"fidelity", "routing", "penalty"} <= set(table.columns)
    assert table["branch"][2] == table["knob_branch"][2] == "adversarial"
    assert study.to_pandas(oracle=True)["clean"][2] == 0.92


def test_the_oracle_report_does_not_replace_the_report(
    study: frontier.StudyView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    served, routed = study.report(), study.report(oracle=True)
    assert (served.name, routed.name) == ("made.html", "made-oracle.html")
    assert "ORACLE-ROUTED" in routed.read_text(encoding="utf-8")
    assert "ORACLE-ROUTED" not in served.read_text(encoding="utf-8")


def test_the_command_line_has_the_switch(study: frontier.StudyView, tmp_path: Path) -> None:
    home = ["--home", str(study.home)]
    shown = CliRunner().invoke(app, ["show", "made", "--oracle", *home])
    assert "ORACLE-ROUTED" in shown.stdout
    assert "snapshot after epoch 7" in shown.stdout
    read = CliRunner().invoke(app, ["show", "made", "--oracle", "--json", *home])
    assert json.loads(read.stdout)["routing"] == "oracle"
    out = tmp_path / "r.html"
    assert CliRunner().invoke(app, ["report", "made", "--oracle", "--out", str(out), *home]).exit_code == 0
    assert "ORACLE-ROUTED" in out.read_text(encoding="utf-8")


def test_extras_keep_their_weights_by_their_own_address(study: frontier.StudyView) -> None:
    folder = study.files.trial_folder(0)
    for name in ("weights.safetensors", "weights-1.safetensors", "weights-2.safetensors"):
        (folder / name).touch()
    freed, _ = study.free_weights()
    assert [path.name for path in freed] == ["weights-2.safetensors"]


def test_an_old_study_has_a_front_by_seconds(study: frontier.StudyView, tmp_path: Path) -> None:
    priced = frontier.open_study("made", tmp_path, objectives=["clean", "online_s@crypten/40,400"])
    summary = json.loads(json.dumps(priced.summary()))
    assert summary["objectives"] == ["clean", "online_s@crypten/wan"]
    assert summary["unpriced"] == {}
    for row in summary["front"]:
        assert row["objectives"]["online_s@crypten/wan"] > 0
    assert {row["objectives"]["clean"] for row in study.summary()["front"]} == {0.9, 0.8}
    assert priced.report(tmp_path / "priced.html").read_text(encoding="utf-8").count("online_s@crypten/wan") > 3
    words = ["show", "made", "--home", str(tmp_path), "--objective", "clean", "--objective", "online_s@crypten/wan"]
    shown = CliRunner().invoke(app, words, env={"COLUMNS": "120"})
    assert (shown.exit_code, "crypten/wan" in shown.output, " s " in shown.output) == (0, True, True)
    wrong = CliRunner().invoke(app, [*words, "--objective", "speed"])
    assert "unknown objective 'speed'" in str(wrong.exception)
