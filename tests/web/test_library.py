"""The library reads what is new and nothing else, and says what it cannot read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from frontier.driver.lock import driving
from frontier.driver.lookout import Lookout
from frontier.errors import InputError
from frontier.results.record import TrialRecord
from frontier.results.store import Study, write_record
from frontier.web import parts
from frontier.web.library import DIED, Library, ended_by


def look(library: Library) -> Any:
    return library.refresh(at_least_s=0)


def test_only_new_records_are_read(tmp_path: Path, synthetic: Any) -> None:
    study = synthetic.write_study(tmp_path, "live", 5)
    library = Library(tmp_path, ["live"])
    assert (look(library).version, library.snapshot.read) == (1, 5)
    assert (look(library).version, library.snapshot.read) == (1, 5)
    synthetic.write_trial(study, 5)
    study.take(6)  # handed out, not finished
    assert (look(library).version, library.snapshot.read) == (2, 6)
    assert len(library.snapshot.studies["live"].points) == 6


def test_a_record_that_was_added_to_is_read_again(tmp_path: Path, synthetic: Any) -> None:
    study = synthetic.write_study(tmp_path, "live", 3)
    library = Library(tmp_path, ["live"])
    look(library)
    changed = study.record(1).model_copy(update={"notes": ("evaluated",)})
    write_record(study.trial_folder(1), changed)
    assert look(library).read == 4
    assert library.snapshot.studies["live"].points[1].record.notes == ("evaluated",)


def test_a_study_that_is_none_is_refused(home: Path) -> None:
    with pytest.raises(InputError, match="Did you mean"):
        Library(home, ["on"])


def test_an_empty_study_a_broken_record_and_failed_trials_are_said(tmp_path: Path, synthetic: Any) -> None:
    Study.create(tmp_path, synthetic.manifest("empty"), "")
    study = synthetic.write_study(tmp_path, "mixed", 2)
    (study.trial_folder(0) / "record.json").write_text("{")
    failed = synthetic.record(7)
    fields = {**failed.model_dump(mode="json"), "state": "failed", "reason": "NaN in epoch 3", "points": []}
    study.take(7)
    write_record(study.trial_folder(7), TrialRecord.model_validate(fields))
    newer = synthetic.record(8).model_dump_json().replace('"version":1', '"version":99', 1)
    study.take(8)
    (study.trial_folder(8) / "record.json").write_text(newer)
    library = Library(tmp_path, ["empty", "mixed"])
    studies = look(library).studies
    assert len(studies["mixed"].points) == 1
    said = str(parts.left_out(studies["mixed"]))
    assert "2 unreadable, 1 failed" in said
    assert "NaN in epoch 3" in said
    assert "newer schema" in said
    assert "no finished trial yet" in str(parts.left_out(studies["empty"]))


def test_a_broken_manifest_takes_no_other_study_away(tmp_path: Path, synthetic: Any) -> None:
    synthetic.write_study(tmp_path, "good", 2)
    synthetic.write_study(tmp_path, "bad", 2)
    (tmp_path / "studies" / "bad" / "study.json").write_text("{}")
    studies = look(Library(tmp_path, ["bad", "good"])).studies
    assert (len(studies["good"].points), len(studies["bad"].points)) == (2, 0)
    assert "not a study manifest" in str(parts.left_out(studies["bad"]))


def test_the_last_line_of_the_log_says_whether_a_search_goes_on(tmp_path: Path, synthetic: Any) -> None:
    study = synthetic.write_study(tmp_path, "live", 1)
    lookout = Lookout(study.folder)
    assert ended_by(study, lookout) == "nobody searches"
    study.append_event({"event": "started", "ts": "1"})
    with driving(study.folder):
        assert ended_by(study, lookout) == ""
    assert ended_by(study, lookout) == DIED
    study.append_event({"event": "done", "ts": "2"})
    assert ended_by(study, lookout) == "the search is done"
    with open(study.folder / "events.jsonl", "a", encoding="utf-8") as file:
        file.write('{"event": "res')  # torn
    assert ended_by(study, lookout) == "the search is done"
    study.append_event({"event": "resumed", "ts": "3"}, driver="b")
    with driving(study.folder):
        assert ended_by(study, lookout) == ""


def test_a_search_that_died_is_waited_for_and_one_that_is_done_is_not(tmp_path: Path, synthetic: Any) -> None:
    study = synthetic.write_study(tmp_path, "live", 1)
    library = Library(tmp_path, ["live"])
    study.append_event({"event": "started", "ts": "1"})
    with driving(study.folder):
        assert (look(library).ended, library.snapshot.studies["live"].ended) == (False, "")
    assert (look(library).ended, library.snapshot.studies["live"].ended) == (False, DIED)
    study.append_event({"event": "done", "ts": "2"})
    assert look(library).ended
