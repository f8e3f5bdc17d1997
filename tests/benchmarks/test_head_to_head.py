"""The comparison of benchmarks/head_to_head: its list of trials, its rules of fairness, its statistics."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from frontier.api.lookups import load_space
from frontier.errors import InputError
from frontier.registry import FOLDERS
from frontier.results.record import TrialRecord
from frontier.results.store import Study
from frontier.training.finetune import Finetuning
from frontier.training.sensitivity import Proxy
from frontier.trial.check import check

HERE = Path(__file__).parents[2] / "benchmarks" / "head_to_head"


@pytest.fixture(scope="module")
def plans() -> Iterator[Any]:
    sys.path.insert(0, str(HERE))
    import plan

    yield plan
    sys.path.remove(str(HERE))


@pytest.fixture(scope="module")
def plan(plans: Any) -> Any:
    return plans.read(load_space("head_to_head"))


def test_every_attempt_and_every_trial_is_a_spec_that_can_run(plan: Any) -> None:
    chosen = {one.name: 0 for one in plan.contenders}
    for job in [*plan.tuning(), *plan.comparison(1, chosen)]:
        check(plan.spec(job, chosen))


def test_a_contender_trains_as_its_control_does(plan: Any) -> None:
    chosen = {one.name: len(one.attempts) - 1 for one in plan.contenders}
    specs = {job.contender.name: plan.spec(job, chosen) for job in plan.comparison(1, chosen)}
    contenders = [one for one in plan.contenders if one.control]
    assert contenders
    for one in contenders:
        mine, theirs = specs[one.name], specs[one.control]
        assert mine.finetune == theirs.finetune
        assert (mine.passes, mine.teacher, mine.measure) == (theirs.passes, theirs.teacher, theirs.measure)
        for knob in Finetuning.model_fields:
            assert mine.knobs.get(knob) == theirs.knobs.get(knob)
        if mine.method == theirs.method and mine.method != "random":  # nothing differs but where the masks come from
            differing = {knob for knob in mine.knobs if mine.knobs[knob] != theirs.knobs.get(knob)}
            assert "masks" in differing <= {"masks", *Proxy.model_fields}


def test_everybody_has_the_same_number_of_attempts(plan: Any) -> None:
    assert len({len(one.attempts) for one in plan.contenders}) == 1


def test_more_seeds_leave_the_numbers_of_trials_as_they_are(plan: Any) -> None:
    chosen = {one.name: 0 for one in plan.contenders}
    three, five = list(plan.comparison(3, chosen)), list(plan.comparison(5, chosen))
    assert five[: len(three)] == three
    assert [job.trial for job in five] == list(range(len(five)))
    assert {job.seed for job in five} == set(range(5))
    assert plan.tuning_seed not in range(100)


def test_all_registered_papers_are_compared(plan: Any) -> None:
    compared = {one.method for one in plan.contenders}
    assert {"snl", "senet", "streamlinet", "autorep", "rlnet", "random", "uniform", "fisher", "deepreduce"} <= compared


def test_a_recipe_of_its_own_is_refused(plans: Any, tmp_path: Path) -> None:
    text = (HERE / "contenders.yaml").read_text().replace("knobs: {score_images: 1000}", "knobs: {distill_weight: 3.0}")
    path = tmp_path / "contenders.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"deepreduce: \['distill_weight'\] and the recipe are its control's"):
        plans.read(load_space("head_to_head"), path)


def test_an_interval_is_students(plans: Any) -> None:
    import compare

    found = compare.Difference.of([0.01, 0.02, 0.03])
    assert (found.mean, found.n) == (pytest.approx(0.02), 3)
    assert found.half == pytest.approx(4.302653 * 0.01 / 3**0.5, rel=1e-6)  # t(0.975; 2) s / sqrt(n)
    assert compare.Difference.of([0.01]).half is None


def test_the_figures_of_the_document_are_those_of_the_committed_records(plan: Any) -> None:
    import compare
    import places

    home = HERE.parents[1] / "results" / "reference"
    tuned, found, placed = (
        {trial: record for trial, record in Study(home, name).records() if isinstance(record, TrialRecord)}
        for name in ("head_to_head_tuning", "head_to_head", "head_to_head_places")
    )
    jobs = list(plan.comparison(5, compare.chosen_attempts(plan, tuned)))
    tables = [*compare.difference_table(plan, jobs, found), *compare.place_table(plan, jobs, found)]
    tables += places.table(plan, jobs, found, placed)
    printed = {line.rstrip() for line in tables}
    blocks = (HERE.parents[1] / "docs" / "head_to_head.md").read_text(encoding="utf-8").split("```")[1::2]
    said = [line.rstrip() for block in blocks for line in block.strip().splitlines()]
    assert len(said) > 40
    assert set(said) <= printed


def test_given_masks_are_trained_as_their_control_is(plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import places

    monkeypatch.setenv(FOLDERS, "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    places.plug_in()
    home = HERE.parents[1] / "results" / "reference"
    chosen = {one.name: 0 for one in plan.contenders}
    given = places.Places(plan, Study(home, "head_to_head"))
    jobs = given.jobs(plan.comparison(1, chosen), ["senet"])
    assert [job.contender.name for job in jobs] == ["senet"] * len(plan.budgets)
    for job in jobs:
        spec = given.spec(job, chosen)
        check(spec)
        assert (spec.passes, spec.seed, spec.relu_budget) == (plan.space.passes, job.seed, job.relu_budget)
        assert spec.finetune == plan.spec(job, chosen).finetune
        assert Path(str(spec.knobs["mask"])).is_file()
    with pytest.raises(InputError, match="no random mask"):
        given.jobs([], ["rlnet"])
