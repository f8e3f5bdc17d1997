"""Studies at a URL: a record is one conditional PUT, its files belong to it, what only a mirror holds is nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import search_fakes as fakes

from frontier.api.study import StudyView
from frontier.driver.seeds import derive
from frontier.errors import BlockedError, InputError, RecordError
from frontier.mirror import mirror_of
from frontier.objects import Bucket
from frontier.results import remote
from frontier.results.record import TrialRecord
from frontier.results.rung import Rung, rung_of, rungs_beside, write_rung
from frontier.results.spec import TrialSpec
from frontier.results.store import Study, amend_record, names, write_record

Machine = Callable[[str], Path]


def spec_of(budget: int = 10) -> TrialSpec:
    values = {"method": "random", "relu_budget": budget, "random.share": 0.5, "random.rule": "a", "finetune.lr": 0.1}
    return fakes.space().spec(values, seed=derive("space", 0))


def finish(study: Study, trial: int, host: str) -> TrialRecord:
    """A trial as a worker on `host` runs it: mask and weights say where they are from."""
    spec = study.spec(trial)
    assert spec is not None
    record = fakes.complete(trial, spec)
    point = record.points[0].model_copy(update={"weights": "weights.safetensors"})
    origin = record.origin.model_copy(update={"host": host})
    for name in ("mask", "weights"):
        (study.trial_folder(trial) / f"{name}.safetensors").write_text(host)
    return write_record(study.trial_folder(trial), record.model_copy(update={"points": (point,), "origin": origin}))


def asked(home: Path, trials: int = 1) -> Study:
    """A new study of which so many trials are handed out."""
    study = fakes.study(home)
    for trial in range(trials):
        assert study.take(trial)
        study.write_spec(trial, spec_of(trial + 1))
    return study


def test_another_machine_sees_the_study_and_fetches_files_on_demand(machine: Machine, memory: str) -> None:
    study = asked(machine("one"), 2)
    finish(study, 0, "one")
    home = machine("two")
    assert names(home) == ["fake"]
    there = Study.open(home, "fake")
    assert there.manifest() == study.manifest()
    assert [there.spec(trial) for trial in (0, 1)] == [study.spec(0), study.spec(1)]
    assert (there.finished(0), there.finished(1), there.arrived(1)) == (True, False, False)
    assert not (there.trial_folder(0) / "mask.safetensors").exists()
    assert there.fetch_mask(0, "mask.safetensors").read_text() == "one"
    assert not (there.trial_folder(0) / "weights.safetensors").exists()
    there.fetch_files(0, there.record(0))
    assert (there.trial_folder(0) / "mask.safetensors").read_text() == "one"
    assert (there.trial_folder(0) / "weights.safetensors").read_text() == "one"
    machine("one")
    finish(study, 1, "one")
    machine("two")
    assert there.arrived(1)
    assert Bucket(memory).get("studies/fake/space.yaml") == b"name: fake\n"


def test_of_two_records_of_a_trial_the_first_one_counts_with_its_own_files(machine: Machine, memory: str) -> None:
    slow = asked(machine("slow"))
    fast = Study.open(machine("fast"), "fake")
    finish(fast, 0, "fast")
    machine("slow")
    counts = finish(slow, 0, "slow")
    assert counts.origin.host == "fast"
    assert slow.record(0) == counts
    slow.fetch_files(0, counts)
    assert (slow.trial_folder(0) / "mask.safetensors").read_text() == "fast"
    assert [key for key in Bucket(memory).keys() if key.endswith("mask.safetensors")] == [  # noqa: SIM118 - no dict
        key for key in Bucket(memory).keys("studies/fake/trials/0") if key.endswith("mask.safetensors")
    ]
    assert sum(key.endswith("mask.safetensors") for key in Bucket(memory).keys()) == 1  # noqa: SIM118 - no dict


def test_a_driver_that_was_overtaken_hands_nothing_out(machine: Machine) -> None:
    study = asked(machine("one"))
    with pytest.raises(BlockedError, match="another driver"):
        study.write_spec(0, spec_of(99))


def test_a_study_that_is_there_is_not_begun_again(machine: Machine, memory: str) -> None:
    fakes.study(machine("one"))
    with pytest.raises(InputError, match=f"{memory}/studies/fake: the study 'fake' exists already"):
        fakes.study(machine("two"))
    for key in Bucket(memory).keys():  # noqa: SIM118 - no dict
        Bucket(memory).remove([key])
    with pytest.raises(InputError, match="no study 'fake'"):
        Study.open(machine("one"), "fake")
    fakes.study(machine("one"))


def test_what_only_the_mirror_of_a_dead_driver_holds_is_dropped(machine: Machine, memory: str) -> None:
    study = asked(machine("one"), 3)
    mirror = mirror_of(study.folder)
    assert mirror is not None
    study.take(3)  # killed before the specification was put
    finish(study, 0, "one")
    Bucket(memory).remove(["studies/fake/trials/0/record.json"])  # by a person, to have it run again
    Bucket(memory).remove(["studies/fake/trials/2/spec.json"])
    Bucket(memory).put("studies/fake/trials/1/spec.json", spec_of(50).model_dump_json().encode())
    (study.trial_folder(1) / "checkpoints").mkdir()
    remote.catch_up(mirror, study.folder, settle=True)
    assert study.trials() == [0, 1]
    assert not study.finished(0)
    assert study.spec(1) == spec_of(50)
    assert not (study.trial_folder(1) / "checkpoints").exists(), "they are of another trial"


def test_what_is_added_to_a_record_is_seen_everywhere_and_keeps_its_files(machine: Machine) -> None:
    study = asked(machine("one"))
    finish(study, 0, "one")
    there = Study.open(machine("two"), "fake")
    there.fetch_files(0, there.record(0))
    machine("one")
    amend_record(study.trial_folder(0), lambda record: record.model_copy(update={"notes": ("looked at",)}))
    home = machine("two")
    there = Study.open(home, "fake")
    assert there.record(0).notes == ("looked at",)
    assert (there.trial_folder(0) / "mask.safetensors").is_file()
    amend_record(there.trial_folder(0), lambda record: record.model_copy(update={"notes": (*record.notes, "twice")}))
    assert Study.open(machine("one"), "fake").record(0).notes == ("looked at", "twice")


def test_an_object_that_is_torn_is_no_record(machine: Machine, memory: str) -> None:
    study = asked(machine("one"), 2)
    finish(study, 0, "one")
    whole = Bucket(memory).get("studies/fake/trials/0/record.json")
    assert whole is not None
    Bucket(memory).put("studies/fake/trials/1/record.json", whole[: len(whole) // 2])
    records = dict(Study.open(machine("two"), "fake").records())
    assert isinstance(records[0], TrialRecord)
    assert isinstance(records[1], RecordError)


def test_weights_that_are_freed_are_freed_at_the_url(machine: Machine, memory: str) -> None:
    study = asked(machine("one"), 2)
    for trial in range(2):
        finish(study, trial, "one")
    view = StudyView(machine("two"), "fake")
    view.free_weights_of([0, 1], {"1"})
    kept = [key for key in Bucket(memory).keys() if key.endswith("weights.safetensors")]  # noqa: SIM118 - no dict
    assert len(kept) == 1
    assert kept[0].startswith("studies/fake/trials/1/")


def test_rungs_of_other_machines_are_seen(machine: Machine) -> None:
    study = asked(machine("one"), 2)
    rung = Rung(level=1, relu_count=1, clean=0.5, corrupted=0.4, adversarial=0.3)
    write_rung(study.trial_folder(0), rung)
    there = Study.open(machine("two"), "fake")
    assert list(rungs_beside(there.trial_folder(1), 1)) == [rung]
    assert rung_of(there.trial_folder(0), 1) == rung


def test_a_search_is_cancelled_from_anywhere_and_one_trial_from_nowhere(machine: Machine, memory: str) -> None:
    asked(machine("one"))
    view = StudyView(machine("two"), "fake")
    view.cancel()
    assert Bucket(memory).get("studies/fake/cancel") == b""
    with pytest.raises(InputError, match="object store"):
        view.cancel(0)
