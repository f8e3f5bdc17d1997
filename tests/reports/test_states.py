"""Reports of studies on disk in every state: empty, one trial, all failed, an older or corrupt record, a torn mask."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from frontier.api.report import studied
from frontier.api.study import StudyView, open_study
from frontier.errors import InputError
from frontier.reports.page import bundle
from frontier.results.record import TrialRecord
from frontier.results.store import Study

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
BUNDLE = bundle()


@pytest.fixture
def view(tmp_path: Path) -> StudyView:
    """The first four trials of the reference study, in a home of their own."""
    source = REFERENCE / "studies" / "cifar10_lab"
    folder = tmp_path / "studies" / "lab"
    folder.mkdir(parents=True)
    manifest = json.loads((source / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps(manifest | {"name": "lab"}))
    for trial in range(4):
        shutil.copytree(source / "trials" / str(trial), folder / "trials" / str(trial))
    return open_study("lab", tmp_path)


def report(view: StudyView, path: Path, **options: object) -> str:
    page = view.report(path / "report.html", **options)  # type: ignore[arg-type]
    return page.read_text(encoding="utf-8").replace(BUNDLE, "")


def record_of(view: StudyView, trial: int) -> Path:
    return view.files.trial_folder(trial) / "record.json"


def test_an_empty_study(view: StudyView, tmp_path: Path) -> None:
    shutil.rmtree(view.files.folder / "trials")
    page = report(view, tmp_path)
    assert "No complete trial yet" in page
    assert "data-figure=" not in page.split("<script>")[0]
    with pytest.raises(InputError, match="has no figure yet"):
        view.figures(tmp_path / "images")


def test_one_trial(view: StudyView, tmp_path: Path) -> None:
    for trial in (1, 2, 3):
        shutil.rmtree(view.files.trial_folder(trial))
    page = report(view, tmp_path)
    assert 'data-figure="figure-clean_vs_relus"' in page
    assert 'data-figure="figure-mask_atlas"' in page
    assert "too few points (1; at least" in page


def test_all_failed(view: StudyView, tmp_path: Path) -> None:
    for trial in range(4):
        record = TrialRecord.model_validate_json(record_of(view, trial).read_text())
        failed = record.model_copy(update={"state": "failed", "reason": f"no loss {trial}", "points": ()})
        record_of(view, trial).write_text(failed.model_dump_json())
    page = report(view, tmp_path)
    assert "No complete trial yet" in page
    assert all(f"no loss {trial}" in page for trial in range(4))


def test_a_record_from_before_labels_timings_and_parts(view: StudyView, tmp_path: Path) -> None:
    fields = json.loads(record_of(view, 2).read_text())
    for later in ("corruption_sets", "evaluations", "measurements", "shared_passes", "notes"):
        fields.pop(later, None)
    fields["origin"] |= {"started_at": "", "wall_s": {}, "fidelity": None}
    fields["points"][0]["validation"]["parts"] = {}
    record_of(view, 2).write_text(json.dumps(fields))
    page = report(view, tmp_path)
    assert "snl (fidelity unknown)" in page
    found = studied(view)
    assert len(found.points) == 4
    assert sorted(found.ended_s) == [0, 1, 3]
    assert 'data-figure="figure-hypervolume_over_time"' in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{torn", "not JSON"),
        ('{"version": 99}', "a record of a newer schema"),
        ("{}", "a record without a schema version"),
    ],
)
def test_a_record_that_cannot_be_read(view: StudyView, tmp_path: Path, text: str, said: str) -> None:
    record_of(view, 1).write_text(text)
    page = report(view, tmp_path)
    assert said in page
    assert "<b>3</b><span>complete trials</span>" in page
    assert "<b>1</b><span>unreadable</span>" in page
    assert 'data-figure="figure-clean_vs_relus"' in page


def test_a_corrupt_mask_and_one_of_another_network(view: StudyView, tmp_path: Path) -> None:
    mask = view.files.trial_folder(2) / "mask.safetensors"
    mask.write_bytes(b"torn")
    shutil.copy(view.files.trial_folder(0) / "mask.safetensors", view.files.trial_folder(3) / "mask.safetensors")
    page = report(view, tmp_path)
    assert "Trial 2 cannot be shown" in page or "Trial 3 cannot be shown" in page
    assert 'data-figure="figure-clean_vs_relus"' in page


def test_torn_events_are_left_out(view: StudyView, tmp_path: Path) -> None:
    lines = ['{"v": 1, "ts": "2026-01-01T00:00:00+00:00", "event": "started"}', '{"v": 1, "ts": "2026-01-01T01:0']
    (view.files.folder / "events.jsonl").write_text("\n".join(lines))
    assert studied(view).clock == "records"
    assert 'data-figure="figure-hypervolume_over_time"' in report(view, tmp_path)


def test_seeds_are_studies_of_the_same_space_with_another_seed(view: StudyView, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="same seed"):
        report(view, tmp_path, seeds=["lab"])
    other = Study(tmp_path, "again")
    shutil.copytree(view.files.folder, other.folder)
    manifest = json.loads((other.folder / "study.json").read_text())
    (other.folder / "study.json").write_text(json.dumps(manifest | {"seed": 7}))
    assert 'data-figure="figure-bands_over_seeds"' in report(view, tmp_path, seeds=["again"])
    (other.folder / "study.json").write_text(json.dumps(manifest | {"seed": 7, "space_hash": "f" * 16}))
    with pytest.raises(InputError, match="another question"):
        report(view, tmp_path, seeds=["again"])
