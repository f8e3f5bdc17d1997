"""`frontier rebuild` without a server: a new database file that says what the records say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import search_fakes as fakes
from search_books import ask, finish, remembered, search
from typer.testing import CliRunner

from frontier.api.rebuild import rebuild
from frontier.cli._app import app
from frontier.errors import InputError
from frontier.results.store import Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    made = fakes.study(tmp_path)
    with search(made) as running:
        for extra in (500, 50):
            finish(running, ask(running), extra)
        ask(running)
    return made


def said(study: Study) -> list[object]:
    return [(trial.user_attrs, trial.params, trial.values, trial.state) for trial in remembered(study)]


def test_the_new_file_says_the_same_and_the_old_one_is_kept(study: Study) -> None:
    before = said(study)
    made = rebuild("fake", home=study.home)
    assert sorted(said(study), key=str) == sorted(before, key=str)
    assert (made.trials, made.extras, made.before) == (3, 2, (3, 2))
    assert made.became == "kept as study.db.old"
    assert (study.folder / "study.db.old").is_file()


@pytest.mark.parametrize("damage", ["deleted", "nonsense"])
def test_a_broken_file_is_replaced(study: Study, damage: str) -> None:
    database = study.folder / "study.db"
    database.unlink() if damage == "deleted" else database.write_bytes(b"no database" * 1000)
    made = rebuild("fake", home=study.home)
    assert (made.trials, made.extras, made.before) == (3, 2, None)
    if damage == "nonsense":
        assert (study.folder / "study.db.old").read_bytes().startswith(b"no database")


def test_nothing_is_rebuilt_under_a_driver(study: Study) -> None:
    with search(study), pytest.raises(InputError, match="is working on this study"):
        rebuild("fake", home=study.home)


def test_the_verb_says_what_it_found(study: Study) -> None:
    (study.trial_folder(1) / "record.json").write_text("{")
    shown = CliRunner().invoke(app, ["rebuild", "fake", "--home", str(study.home)])
    assert shown.exit_code == 0, shown.output
    assert "1 complete, 1 unfinished, 1 unreadable" in shown.output
    assert "trial 1: its record cannot be read" in shown.output
    found = json.loads(CliRunner().invoke(app, ["rebuild", "fake", "--home", str(study.home), "--json"]).output)
    assert (found["trials"], found["unreadable"]) == (2, [1])
