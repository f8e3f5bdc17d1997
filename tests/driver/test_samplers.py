"""The contract of every sampler: seeded, inside the space, and the same again after a resume."""

from __future__ import annotations

import itertools

import numpy as np
import optuna
import pytest
import search_fakes as fakes
import torch
from optuna._gp import acqf
from optuna.distributions import BaseDistribution, FloatDistribution

from frontier import registry
from frontier.driver.memory import Memory
from frontier.driver.parameters import names
from frontier.driver.samplers import gp
from frontier.driver.samplers._draw import Draw
from frontier.driver.seeds import derive
from frontier.results.spec import Scalar
from frontier.spaces.domain import ChoiceDomain, CountDomain, FloatDomain, IntDomain, LogDomain

SAMPLERS = registry.names("sampler")


def draws(sampler: str, seed: int, trials: range) -> list[dict[str, Scalar]]:
    """What a fresh study is asked under these numbers, each told a record before the next is asked."""
    memory = Memory(None, fakes.space(), sampler, seed)
    drawn = []
    for trial in trials:
        assignment = next(memory.ask(trial))
        memory.tell(trial, fakes.complete(trial, fakes.space().spec(assignment, seed=trial)))
        drawn.append(assignment)
    return drawn


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_seed_gives_the_same_sequence_again_and_another_seed_another(sampler: str) -> None:
    first = draws(sampler, 3, range(12))
    assert draws(sampler, 3, range(12)) == first
    assert draws(sampler, 4, range(12)) != first


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_draw_lies_in_the_space_and_reaches_both_methods(sampler: str) -> None:
    space = fakes.space()
    drawn = draws(sampler, 0, range(12))
    for assignment in drawn:
        space.spec(assignment, seed=0)
    assert {assignment["method"] for assignment in drawn} == {"random", "snl"}


@pytest.mark.parametrize("sampler", ["random", "qmc"])
def test_what_is_asked_depends_on_seed_and_number_alone(sampler: str) -> None:
    assert draws(sampler, 5, range(4, 8)) == draws(sampler, 5, range(8))[4:]


@pytest.mark.parametrize("sampler", ["random", "qmc"])
def test_a_knob_keeps_its_coordinate_whatever_else_its_method_has(sampler: str) -> None:
    """Points are full-dimensional: a budget, or a knob, is the same under whichever method it is asked."""
    by_name = names(fakes.space())
    build = registry.load("sampler", sampler).build
    one = FloatDistribution(0, 1)
    for trial in range(5):
        point = build(Draw(11, trial, by_name))
        alone = build(Draw(11, trial, by_name)).sample_independent(None, None, by_name[-1], one)
        assert [point.sample_independent(None, None, name, one) for name in by_name][-1] == alone
        again = point.sample_independent(None, None, by_name[-1], one)
        assert again != alone  # a second draw for the same trial is another one


def test_qmc_points_fill_the_budget_axis_evenly() -> None:
    memory = Memory(None, fakes.space(), "qmc", 0)
    budgets = sorted(int(next(memory.ask(trial))["relu_budget"]) + 1 for trial in range(16))
    edges = [1001 ** (k / 4) for k in range(5)]
    inside = [sum(low <= budget < high + 0.5 for budget in budgets) for low, high in itertools.pairwise(edges)]
    assert min(inside) >= 3


def test_the_domains_of_the_fake_space_are_all_kinds() -> None:
    space = fakes.space()
    domains = {type(domain) for method in space.method_names for domain in space.parameters(method).values()}
    assert domains == {ChoiceDomain, CountDomain, FloatDomain, IntDomain, LogDomain}


def test_gp_weighs_candidates_a_few_at_a_time_and_asks_what_optuna_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Optuna's own sampler beside ours, of one history, with a trial that still runs; and ours does go by parts."""
    rng, at_once = np.random.default_rng(0), []
    whole = acqf.qLogEHVI.eval_acqf

    def counted(self: acqf.qLogEHVI, x: torch.Tensor) -> torch.Tensor:
        at_once.append(len(x) if x.ndim > 1 else 1)
        return whole(self, x)

    monkeypatch.setattr(acqf.qLogEHVI, "eval_acqf", counted)
    axes: dict[str, BaseDistribution] = {name: FloatDistribution(0, 1) for name in "xyz"}
    history = [rng.random(3) for _ in range(20)]
    asked, most = [], []
    for sampler in (gp.build(Draw(5, 20, ())), optuna.samplers.GPSampler(seed=derive("gp", 5, 20))):
        at_once.clear()
        study = optuna.create_study(directions=["maximize", "maximize", "minimize"], sampler=sampler)
        for point in history[:-1]:
            values = [1 - point[0] ** 2, point[1] - point[2] ** 2, point.sum()]
            params = dict(zip(axes, point, strict=True))
            study.add_trial(optuna.trial.create_trial(params=params, distributions=axes, values=values))
        running = dict(zip(axes, history[-1], strict=True))
        study.add_trial(
            optuna.trial.create_trial(params=running, distributions=axes, state=optuna.trial.TrialState.RUNNING)
        )
        asked.append(study.ask(axes).params)
        most.append(max(at_once))
    assert asked[0] == pytest.approx(asked[1], abs=1e-6)
    assert most == [gp.AT_ONCE, 2048]
