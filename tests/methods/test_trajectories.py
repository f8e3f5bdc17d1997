"""Shared mask searches: a trial that goes on from another's states ends as one that walked all the way, bit for bit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from method_task import same, state

from frontier import registry
from frontier.errors import Cancelled
from frontier.leases import held
from frontier.training import kept, trajectory
from frontier.training.context import Context
from frontier.training.kept import Kept, kept_in
from frontier.training.task import Linearized, Task, Trajectories
from frontier.training.trajectory import Course, nearest

# The count falls over several epochs, so that budgets are met at different ones
SNL = {"penalty": 0.01, "growth": 1.5, "patience_epochs": 1, "max_epochs": 20, "mask_lr": 0.03, "batch": 32,
       "exact": True, "search_seed": 5}  # fmt: skip
AUTOREP = {"epochs": 9, "lr": 3e-3, "score_lr": 0.05, "batch": 32, "warmup_steps": 20, "search_seed": 5}
KNOBS: dict[str, dict[str, Any]] = {"snl": SNL, "autorep": AUTOREP}
BUDGETS = (150, 110, 60, 20, 0)
both = pytest.mark.parametrize("method", ["snl", "autorep"])


@pytest.fixture
def at(task: Task, tmp_path: Path) -> Callable[..., Task]:
    """The task at another budget, with checkpoints of its own; trajectories in `home`, where one is given."""

    def made(budget: int, folder: str, home: str | None = None, *, limit_bytes: int = 1 << 30, **context: Any) -> Task:
        shelf = None if home is None else Trajectories(tmp_path / home, {"teacher": "t"}, limit_bytes)
        own = Context(device=task.context.device, checkpoints=tmp_path / folder, **context)
        return replace(task, relu_budget=budget, context=own, trajectories=shelf)

    return made


def run(task: Task, method: str, **knobs: Any) -> Linearized:
    module = registry.load("method", method)
    found: Linearized = module.linearize(task, module.Knobs(**KNOBS[method] | knobs))
    return found


def assert_same(found: Linearized, expected: Linearized) -> None:
    assert found.notes == expected.notes
    assert [(one.relu_budget, one.label) for one in found.candidates] == [
        (one.relu_budget, one.label) for one in expected.candidates
    ]
    for mine, theirs in zip(found.candidates, expected.candidates, strict=True):
        assert same(state(mine.model), state(theirs.model))


def epochs_walked(lines: list[str]) -> int:
    return sum("search: epoch" in line for line in lines)


@both
@pytest.mark.parametrize("order", [BUDGETS, BUDGETS[::-1], (60, 150, 0, 110, 20)])
def test_in_any_order_of_budgets_the_networks_and_passes_are_those_of_full_runs(
    at: Callable[..., Task], method: str, order: tuple[int, ...]
) -> None:
    walked, whole = 0, 0
    for budget in order:
        lines: list[str] = []
        alone, sharing = at(budget, f"alone-{budget}"), at(budget, f"own-{budget}", "home", log=lines.append)
        expected, found = run(alone, method), run(sharing, method)
        assert_same(found, expected)
        assert sharing.context.passes == alone.context.passes
        walked += epochs_walked(lines)
        whole += round(alone.context.passes["search"] / 4)
    assert walked < whole
    if method == "snl":  # one search to the lowest budget is all that was walked
        assert walked == round(at_lowest(at, method) / 4)


def at_lowest(at: Callable[..., Task], method: str) -> float:
    task = at(min(BUDGETS), "lowest")
    run(task, method)
    return task.context.passes["search"]


@both
def test_snapshots_of_a_trial_that_goes_on_are_those_of_a_full_run(at: Callable[..., Task], method: str) -> None:
    run(at(60, "first", "home"), method)
    for budget, snapshots in ((20, ("75%", 90, 40)), (60, (120,)), (110, (150,))):
        expected = run(at(budget, f"alone-{budget}"), method, snapshots=snapshots)
        sharing = at(budget, f"own-{budget}", "home")
        assert_same(run(sharing, method, snapshots=snapshots), expected)
        assert "search" in sharing.context.reused


@both
def test_a_trial_that_is_killed_while_it_walks_leaves_what_others_go_on_from(
    at: Callable[..., Task], method: str
) -> None:
    checks = 0

    def stop() -> None:
        nonlocal checks
        checks += 1
        if checks == 3:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run(at(0, "killed", "home", check=stop), method)
    sharing = at(0, "own", "home")
    assert_same(run(sharing, method), run(at(0, "alone"), method))
    assert sharing.context.reused["search"].endswith("to epoch 3")
    resumed = at(0, "killed", "home")
    assert_same(run(resumed, method), run(at(0, "alone"), method))


def test_a_trial_that_began_with_anothers_states_says_so_after_it_was_killed(at: Callable[..., Task]) -> None:
    run(at(110, "first", "home"), "snl")

    def stop() -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run(at(20, "own", "home", check=stop), "snl")
    resumed = at(20, "own", "home")
    run(resumed, "snl")
    assert "to epoch" in resumed.context.reused["search"]


def test_without_a_seed_of_its_own_no_search_is_kept(at: Callable[..., Task], tmp_path: Path) -> None:
    run(at(20, "own", "home"), "snl", search_seed=None)
    assert not (tmp_path / "home").exists()


def test_the_seed_of_the_search_is_the_search_alone(at: Callable[..., Task]) -> None:
    one = run(replace(at(60, "a"), seed=1), "snl")
    other = run(replace(at(60, "b"), seed=2), "snl")
    masks = [found.candidates[0].model.body.get_buffer("relu1.kept") for found in (one, other)]
    assert masks[0].equal(masks[1])
    assert not same(state(one.candidates[0].model), state(other.candidates[0].model))


@both
def test_another_seed_or_knob_is_another_trajectory(at: Callable[..., Task], tmp_path: Path, method: str) -> None:
    for name, knobs in (("a", {}), ("b", {"search_seed": 6}), ("c", {"penalty": 0.02})):
        run(at(60, name, "home"), method, **knobs)
    run(replace(at(60, "d", "home"), closed=frozenset({"relu1"})), method)
    assert len(list((tmp_path / "home").iterdir())) == 4
    run(at(60, "e", "home"), method, ce_weight=0.5, checkpoint="validation", exact=False)
    assert len(list((tmp_path / "home").iterdir())) == 4


def test_who_comes_while_another_walks_waits_until_its_budget_is_passed(at: Callable[..., Task]) -> None:
    at_budget, go_on = threading.Event(), threading.Event()
    expected = run(at(110, "alone"), "snl")
    met = round(expected_epochs(at))
    checks = 0

    def pause() -> None:  # after the epoch that meets the other's budget
        nonlocal checks
        checks += 1
        if checks == met:
            at_budget.set()
            assert go_on.wait(60)

    walker = threading.Thread(target=run, args=(at(0, "walker", "home", check=pause), "snl"))
    walker.start()
    assert at_budget.wait(60)
    lines: list[str] = []
    found = run(at(110, "own", "home", log=lines.append), "snl")  # the walker is still at it
    go_on.set()
    walker.join()
    assert_same(found, expected)
    assert epochs_walked(lines) == 0


def expected_epochs(at: Callable[..., Task]) -> float:
    task = at(110, "count")
    run(task, "snl")
    return task.context.passes["search"] / 4


def test_who_waits_for_a_walk_is_told_and_can_be_stopped(at: Callable[..., Task], tmp_path: Path) -> None:
    run(at(150, "first", "home"), "snl")
    (folder,) = (tmp_path / "home").iterdir()
    lines: list[str] = []

    def stop() -> None:
        raise Cancelled("stop")

    with held(folder, kept.LEASE), pytest.raises(Cancelled):
        run(at(0, "own", "home", log=lines.append, check=stop), "snl")
    assert any(line.endswith("another process makes it; waiting") for line in lines)


def test_a_state_that_is_not_whole_is_left_out(at: Callable[..., Task], tmp_path: Path) -> None:
    run(at(20, "first", "home"), "snl")
    (folder,) = (tmp_path / "home").iterdir()
    states = sorted(folder.glob("*.safetensors"))
    for damaged in states[1:]:
        damaged.write_bytes(damaged.read_bytes()[:-1])
    lines: list[str] = []
    assert_same(run(at(20, "own", "home", log=lines.append), "snl"), run(at(20, "alone"), "snl"))
    assert any("is not whole" in line for line in lines)


def test_states_that_do_not_fit_into_the_limit_go_the_least_recently_used_first(
    at: Callable[..., Task], tmp_path: Path
) -> None:
    run(at(20, "first", "home"), "snl")
    (folder,) = (tmp_path / "home").iterdir()
    each = max(path.stat().st_size for path in folder.glob("*.safetensors"))
    before = {one.path for one in kept_in(folder)}
    for path in before:
        os.utime(path, (1, 1))
    expected = run(at(20, "alone"), "snl", search_seed=6)
    assert_same(run(at(20, "own", "home", limit_bytes=3 * each), "snl", search_seed=6), expected)
    left = list((tmp_path / "home").glob("*/*.safetensors"))
    assert 1 <= len(left) <= 3
    assert not before & set(left)


def test_a_full_disk_costs_the_states_and_not_the_trial(
    at: Callable[..., Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_atomic", full)
    lines: list[str] = []
    assert_same(run(at(60, "own", "home", log=lines.append), "snl"), run(at(60, "alone"), "snl"))
    assert any("cannot be kept (No space left on device)" in line for line in lines)


def test_what_is_freed_is_what_no_search_is_adding_to(at: Callable[..., Task], tmp_path: Path) -> None:
    home = tmp_path / "home"
    run(at(60, "a", "home"), "snl")
    (busy,) = home.iterdir()
    run(at(60, "b", "home"), "snl", search_seed=6)
    theirs = set(busy.glob("*.safetensors"))
    with held(busy, kept.LEASE):
        gone, size_bytes = kept.free(home)
    assert gone
    assert size_bytes > 0
    assert set(home.glob("*/*.safetensors")) == theirs
    assert kept.free(home)[0]
    assert not list(home.glob("*/*.safetensors"))
    assert kept.free(tmp_path / "nowhere") == ([], 0)


def test_the_nearest_state_is_the_last_one_above_the_budget() -> None:
    def one(epochs: int, before: int, lowest: int) -> Kept:
        return Kept(Path(), epochs, before, lowest)

    def course(budget: int, *others: int, epochs: int = 40, ends: bool = True) -> Course:
        return Course("search", 0, {}, budget, others, epochs, ends)

    first, second, fourth = one(1, 193, 180), one(2, 180, 100), one(4, 90, 50)  # the third, to 90, was not kept
    states = (fourth, first, second)
    assert nearest(states, course(150)) == (second, {150: second})
    assert nearest(states, course(180)) == (first, {180: first})
    assert nearest(states, course(95)) == (second, {})
    assert nearest(states, course(90)) == (second, {})
    assert nearest(states, course(89)) == (fourth, {89: fourth})
    assert nearest(states, course(10)) == (fourth, {})
    assert nearest(states, course(10, epochs=3)) == (second, {})
    assert nearest(states, course(60, 150)) == (fourth, {60: fourth, 150: second})
    assert nearest(states, course(60, 95)) == (second, {60: fourth})
    assert nearest(states, course(150, ends=False)) == (first, {})
    assert nearest((), course(10)) == (None, {})


def test_the_code_of_a_search_is_part_of_its_name() -> None:
    assert len(trajectory._code()) == 16
