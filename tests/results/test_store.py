"""The store: exclusive numbers, whole files or none, and clear words for what cannot be read."""

import json
import multiprocessing
from pathlib import Path

import pytest

from frontier.errors import InputError, RecordError
from frontier.files import write_atomic
from frontier.results import store
from frontier.results.migrate import read_record
from frontier.results.record import TrialRecord
from frontier.results.store import Study, StudyManifest, write_record

RECORD = read_record((Path(__file__).parent / "record_v1.json").read_bytes(), where="record_v1.json")


def manifest(name: str = "study") -> StudyManifest:
    return StudyManifest(
        name=name, space={}, space_hash="0", seed=0, sampler="random", relus=768, created_at="now", code_version="0"
    )


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.create(tmp_path, manifest(), "question: why\n")


def finish(study: Study, trial: int) -> None:
    study.trial_folder(trial).mkdir(parents=True, exist_ok=True)
    write_record(study.trial_folder(trial), RECORD.model_copy(update={"trial": trial}))


def test_a_study_keeps_its_question_as_it_was_written(study: Study) -> None:
    assert (study.folder / "space.yaml").read_text() == "question: why\n"
    assert study.manifest() == manifest()
    assert store.names(study.home) == ["study"]


def test_a_study_that_exists_is_not_made_again(study: Study) -> None:
    with pytest.raises(InputError, match="exists already") as caught:
        Study.create(study.home, manifest(), "")
    assert "--resume" in str(caught.value)


def test_an_unknown_study_names_the_nearest(study: Study) -> None:
    with pytest.raises(InputError, match="Did you mean 'study'"):
        Study.open(study.home, "studi")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "-x", "a b", "a" * 101, "ä"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="not a study name"):
        Study(tmp_path, name)


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InputError, match="not a folder"):
        Study.create(blocked, manifest(), "")
    with pytest.raises(InputError, match="not a folder"):
        store.names(blocked)
    with pytest.raises(InputError, match="cannot write to the folder"):
        Study.create(blocked / "below", manifest(), "")


def claim_ten(folder: Path) -> list[int]:
    study = Study(folder, "study")
    return [study.claim() for _ in range(10)]


def test_no_two_processes_claim_the_same_number(study: Study) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        numbers = [number for claimed in pool.map(claim_ten, [study.home] * 3) for number in claimed]
    assert sorted(numbers) == list(range(30))


def test_a_trial_counts_from_the_moment_its_record_is_there(study: Study) -> None:
    trial = study.claim()
    assert (study.spec(trial), study.finished(trial)) == (None, False)
    study.write_spec(trial, RECORD.spec)
    assert (study.spec(trial), study.finished(trial)) == (RECORD.spec, False)
    finish(study, trial)
    assert study.finished(trial)
    assert study.record(trial).trial == trial


def test_a_write_that_dies_half_way_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    write_atomic(path, "old")

    def dies(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", dies)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["record.json"]


def test_a_missing_record_says_which_there_are(study: Study) -> None:
    for trial in (0, 1, 2, 5):
        finish(study, trial)
    with pytest.raises(InputError, match="expected: a finished trial: 0-2, 5"):
        study.record(9)


def test_one_unreadable_record_does_not_hide_the_others(study: Study) -> None:
    for trial in range(3):
        finish(study, trial)
    (study.trial_folder(1) / "record.json").write_text("{")
    kinds = {trial: type(record) for trial, record in study.records()}
    assert kinds == {0: TrialRecord, 1: RecordError, 2: TrialRecord}


def test_trials_are_in_order_of_their_numbers_and_stray_files_are_none(study: Study) -> None:
    for trial in (10, 9, 2):
        finish(study, trial)
    (study.folder / "trials" / "notes.txt").write_text("")
    assert study.trials() == [2, 9, 10]


def test_events_come_back_in_order_without_a_torn_last_line(study: Study) -> None:
    study.append_event({"event": "a"})
    study.append_event({"event": "b"})
    with open(study.folder / "events.jsonl", "a") as file:
        file.write('{"event": "c"')
    assert [event["event"] for event in study.events()] == ["a", "b"]
    study.append_event({"event": "d"})
    assert [event["event"] for event in study.events()] == ["a", "b", "d"]


def test_a_broken_manifest_says_so(study: Study) -> None:
    (study.folder / "study.json").write_text(json.dumps({"version": 1}))
    with pytest.raises(RecordError, match=r"not a study manifest \(name: Field required\)") as told:
        study.manifest()
    assert "pydantic" not in str(told.value)
    (study.folder / "study.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RecordError, match="not a study manifest"):
        study.manifest()
