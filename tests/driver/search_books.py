"""How the search's tests drive a study by hand, and what they read in its database."""

from __future__ import annotations

import warnings

import optuna
from optuna.trial import FrozenTrial, TrialState
from search_fakes import complete, space

from frontier.driver.database import STUDY
from frontier.driver.study import Search
from frontier.driver.work import Asked
from frontier.results.record import TrialRecord
from frontier.results.store import Study, write_record


def search(study: Study, trials: int = 10, **options: object) -> Search:
    return Search(study, space(), trials=trials, **options)


def ask(running: Search) -> Asked:
    asked = running.ask()
    assert asked is not None
    return asked


def finish(running: Search, asked: Asked, *extra_budgets: int) -> TrialRecord:
    record = complete(asked.trial, asked.spec, *extra_budgets)
    write_record(asked.folder, record)
    running.collect(asked.trial)
    return record


def finish_all(running: Search) -> None:
    while asked := running.ask():
        finish(running, asked)


def remembered(study: Study) -> list[FrozenTrial]:
    """The trials in the study's database, as any other program sees them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return optuna.load_study(study_name=STUDY, storage=f"sqlite:///{study.folder / 'study.db'}").trials


def by_number(study: Study) -> dict[int, TrialState]:
    """State of the Optuna trial of each of our trials; those that Optuna alone knows are left out."""
    own = [trial for trial in remembered(study) if not {"extra", "repeated"} & trial.user_attrs.keys()]
    return {trial.user_attrs["trial"]: trial.state for trial in own}
