"""benchmarks/published: its plan, its table and the published numbers, without training anything."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from frontier.api.lookups import load_space
from frontier.results.published import published
from frontier.spaces.domain import Domain
from frontier.trial.check import check

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / "benchmarks" / "published"
BUDGETS = (12_900, 25_000, 50_000)

ALONE = """
import runpy, sys
for absent in ("ray", "optuna", "typer", "rich", "pandas", "plotly", "torchvision", "jinja2", "moocore", "scipy", "PIL",
               "sklearn"):
    sys.modules[absent] = None
sys.argv = [sys.argv[1], "--plan", "--device", "cpu"]
sys.path.insert(0, sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def module(name: str) -> ModuleType:
    """A part of the command, under a name of its own."""
    found = importlib.util.spec_from_file_location(f"published_{name}", COMMAND / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    loaded = importlib.util.module_from_spec(found)
    sys.modules[found.name] = loaded
    found.loader.exec_module(loaded)
    return loaded


JOBS, PAPERS = module("jobs"), module("papers")
METHODS = ("snl", "senet", "autorep")


def specs(**options: object) -> dict[tuple[str, int], object]:
    found = JOBS.jobs(JOBS.space(), METHODS, BUDGETS, **options)
    return {(job.method, budget): job.spec for job in found for budget in job.budgets}


def test_every_paper_has_its_own_schedule_and_convention() -> None:
    found = specs()
    assert {key: spec.network.sites for key, spec in found.items() if key[1] == 25_000} == {
        ("snl", 25_000): "inner",
        ("senet", 25_000): "full",
        ("autorep", 25_000): "inner",
    }
    epochs = {method: found[method, 25_000].teacher.recipe.epochs for method in METHODS}
    assert epochs == {"snl": 160, "senet": 240, "autorep": 400}
    assert {method: found[method, 25_000].finetune.epochs for method in METHODS} == {
        "snl": 100,
        "senet": 240,
        "autorep": 0,
    }
    assert found["snl", 25_000].knobs["snapshots"] == (25_000, 50_000)
    assert found["snl", 25_000].relu_budget == 12_900
    assert [found["autorep", budget].knobs["penalty"] for budget in BUDGETS] == [80, 40, 40]
    assert found["senet", 50_000].finetune.milestones == (0.625, 0.75, 0.875)
    for spec in found.values():
        check(spec)


def test_shared_means_the_space_for_everybody() -> None:
    space = JOBS.space()
    for spec in specs(shared=True).values():
        assert (spec.network, spec.teacher, spec.finetune.epochs) == (space.network, space.teacher, 100)


def test_the_papers_values_lie_in_the_domains_of_the_space() -> None:
    space = load_space(JOBS.SPACE)
    for (method, budget), spec in specs(shared=True).items():
        assert space.relu_budget.contains(budget)
        for knob, value in space.methods[method].items():
            if isinstance(value, Domain):
                assert value.contains(spec.knobs[knob]), f"{method}.{knob}"
            elif knob not in ("snapshots", "checkpoint"):
                assert spec.knobs[knob] == value, f"{method}.{knob}"


def test_a_scale_shortens_every_stage_and_a_full_one_changes_nothing() -> None:
    whole, tenth = JOBS.jobs(JOBS.space(), METHODS, BUDGETS), JOBS.jobs(JOBS.space(), METHODS, BUDGETS, scale=0.1)
    assert JOBS.passes(tenth) == pytest.approx(JOBS.passes(whole) / 10, rel=0.02)
    short = {job.method: job.spec for job in tenth}
    assert short["snl"].knobs["max_epochs"] == 200
    assert short["snl"].knobs["mask_lr"] < short["snl"].knobs["threshold"]
    assert short["senet"].knobs["mask_epochs"] == 15
    assert short["autorep"].knobs["epochs"] == 20
    assert short["autorep"].finetune.epochs == 0
    assert short["autorep"].teacher.recipe.epochs == 40


def test_the_smoke_run_is_small() -> None:
    for spec in specs(smoke=True).values():
        assert spec.data.train_images == 64
        assert spec.teacher.recipe.epochs == 1
        assert not spec.teacher.recipe.compile
        assert spec.finetune.epochs <= 1
        assert max(spec.knobs.get(key, 1) for key in JOBS.EPOCHS) == 1


def test_figures_beside_a_budget_are_near_it() -> None:
    say, space = published(), JOBS.space()
    assert [one.accuracy for one in PAPERS.beside(say, space, "snl", 12_900)] == [66.53, 66.02, 65.51]
    assert [one.relus for one in PAPERS.beside(say, space, "senet", 50_000)] == [49_600]
    assert [one.network for one in PAPERS.beside(say, space, "autorep", 12_900)] == [None, "resnet18", "resnet18"]
    assert PAPERS.beside(say, space, "senet", 12_900) == []


def test_it_plans_on_a_machine_that_has_little_but_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(COMMAND)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("teacher ") == 7  # one search for SNL's three budgets, three each for the others
    assert "planned, not measured" in done.stdout
    assert "in full" in done.stdout
