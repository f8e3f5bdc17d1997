"""AutoReP's conformance facts: what the authors' code does, step by step, and where it must not be followed.

The closed form of the surrogates is in tests/nn/test_surrogates.py, indicators and statistics in test_hysteresis.py
beside it, the distillation in tests/training/test_losses.py, the counts of networks in tests/nn/test_backbones.py.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from method_task import IMAGE, RELUS, same, state
from torch import nn

from frontier.methods import autorep, snl
from frontier.methods.autorep import Knobs, binarise, excess, hysteresis_gates, maker, put, search
from frontier.nn.counter import count_relus
from frontier.nn.gates import FrozenGate
from frontier.nn.hysteresis import HysteresisGate
from frontier.nn.network import Classifier, build
from frontier.nn.surgery import gates, mask_of
from frontier.nn.surrogates import dapa
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.training.losses import distillation
from frontier.training.observe import moments
from frontier.training.task import Task, gated
from frontier.trial.bundle import export, load
from frontier.trial.run import run
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source

FAST = Knobs(epochs=12, lr=3e-3, score_lr=0.05, batch=32, warmup_steps=20)


def with_states(task: Task, on: int, knobs: Knobs = FAST) -> Classifier:
    """A student before its search, with the first `on` states still on."""
    student = gated(task, task.teacher, maker(task, knobs))
    flat = torch.arange(RELUS) < on
    for found in hysteresis_gates(student).values():
        size = found.state.numel()
        found.state.copy_(flat[:size].view(found.shape))
        flat = flat[size:]
    return student


def counted(model: nn.Module) -> list[tuple[int, int]]:
    return [(site.kept, site.squares) for site in count_relus(model, IMAGE)]


def told(task: Task) -> tuple[Task, list[str]]:
    lines: list[str] = []
    return replace(task, context=replace(task.context, log=lines.append)), lines


# 10 to 12: the start and the penalty


def test_10_a_search_starts_as_the_teacher_with_scores_from_0_to_1(task: Task) -> None:
    student = gated(task, task.teacher, maker(task, FAST))
    scores = torch.cat([found.score.detach().flatten() for found in hysteresis_gates(student).values()])
    assert len(scores) == RELUS
    assert 0 <= float(scores.min()) < 0.05
    assert 0.95 < float(scores.max()) < 1
    assert all(found.state.all() for found in hysteresis_gates(student).values())
    pixels = torch.rand(4, *IMAGE)
    assert torch.equal(student(pixels), task.teacher(pixels))
    again = gated(task, task.teacher, maker(task, FAST))
    assert same(state(student), state(again))
    other = gated(task, task.teacher, maker(replace(task, seed=1), FAST))
    assert not same(state(student), state(other))


def resnet18_gates() -> list[HysteresisGate]:
    shapes = [(64, 32, 32)] * 4 + [(128, 16, 16)] * 4 + [(256, 8, 8)] * 4 + [(512, 4, 4)] * 4
    return [HysteresisGate(torch.zeros(shape)) for shape in shapes]


def test_11_and_12_the_penalty_of_a_fresh_resnet18_and_its_gradient() -> None:
    searched = resnet18_gates()
    value = excess(searched, 12_900, 80.0)
    assert float(value.detach()) == pytest.approx(77.9003906, abs=1e-5)
    value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    for found in searched:
        assert found.score.grad is not None
        torch.testing.assert_close(found.score.grad, torch.full(found.shape, 1.12817e-4), rtol=1e-5, atol=0)


@pytest.mark.parametrize(("budget", "over"), [(0, 40), (39, 1), (40, 0), (41, 0), (RELUS, 0)])
def test_11_the_penalty_is_one_sided_to_the_last_relu(task: Task, budget: int, over: int) -> None:
    searched = list(hysteresis_gates(with_states(task, 40)).values())
    value = excess(searched, budget, 80.0)
    value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert float(value.detach()) == pytest.approx(80 * over / RELUS)
    gradients = [found.score.grad for found in searched]
    assert all(g is not None and bool((g > 0).all() if over else (g == 0).all()) for g in gradients)


# 13: what a position computes


def test_13_the_count_is_the_states_that_are_on_and_the_rest_are_squares(task: Task) -> None:
    student = with_states(task, 50).eval()
    found = counted(student.body)
    assert (sum(kept for kept, _ in found), sum(squares for _, squares in found)) == (50, RELUS - 50)


# 14: counts. The network with which the authors count EfficientNet-B2 is not among ours.


@pytest.mark.parametrize(
    ("name", "size", "relus"),
    [("resnet18", 32, 491_520), ("resnet18", 64, 1_966_080), ("wrn22_8", 32, 1_359_872), ("wrn22_8", 64, 5_439_488)],
)
def test_14_the_counts_of_the_authors_networks(name: str, size: int, relus: int) -> None:
    with torch.device("meta"):
        network = build(name, (3, size, size), 100, sites="inner")
    sizes: list[int] = []
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda _m, _a, output: sizes.append(output[0].numel()))
    network.eval()(torch.empty(1, 3, size, size, device="meta"))
    assert sum(sizes) == relus


# 16 and 17: the mask at the end


def test_16_finetuning_does_not_move_the_mask_but_the_coefficients(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}
    finetune = autorep.finetune

    def watch(task: Task, model: Classifier, knobs: Knobs) -> None:
        seen["mask"], seen["before"] = mask_of(model.body), state(model)
        finetune(task, model, knobs)

    monkeypatch.setattr(autorep, "finetune", watch)
    model = autorep.linearize(task, FAST).candidates[0].model
    assert mask_of(model.body) == seen["mask"]
    before = seen["before"]
    assert isinstance(before, dict)
    names = [name for name in before if name.endswith("coefficients")]
    assert len(names) == 2
    assert not any(torch.equal(before[name], state(model)[name]) for name in names)


@pytest.mark.parametrize("budget", [0, 1, 19, 96, RELUS])
@pytest.mark.parametrize("exact", [False, True])
def test_17_the_budget_is_never_exceeded(task: Task, budget: int, exact: bool) -> None:
    (candidate,) = autorep.linearize(
        replace(task, relu_budget=budget), FAST.model_copy(update={"exact": exact})
    ).candidates
    kept = sum(kept for kept, _ in counted(candidate.model.body))
    assert kept <= budget
    assert sum(squares for _, squares in counted(candidate.model.body)) == RELUS - kept
    if exact:
        assert kept == budget


def test_17_over_budget_the_largest_scores_of_those_that_are_on_are_kept(task: Task) -> None:
    student = with_states(task, 50)
    mask, notes = binarise(student, 20, exact=False)
    assert notes == ("autorep: the search ended at 50 ReLUs; the 20 largest scores of them were kept",)
    scores = np.concatenate([found.score.detach().numpy().ravel() for found in hysteresis_gates(student).values()])
    kept = np.concatenate([mask.bits(path).ravel() for path in hysteresis_gates(student)])
    assert set(np.flatnonzero(kept)) == set(np.argsort(-scores[:50])[:20])


def test_17_under_budget_the_rest_is_filled_up_only_if_that_was_asked_for(task: Task) -> None:
    student = with_states(task, 20)
    assert binarise(student, 50, exact=False)[0].count == 20
    mask, notes = binarise(student, 50, exact=True)
    scores = np.concatenate([found.score.detach().numpy().ravel() for found in hysteresis_gates(student).values()])
    kept = np.concatenate([mask.bits(path).ravel() for path in hysteresis_gates(student)])
    assert set(np.flatnonzero(kept)) == {*range(20), *(20 + np.argsort(-scores[20:])[:30])}
    assert notes == ()


def test_18_equal_logits_have_no_distillation_loss_and_the_factor_is_16() -> None:
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    assert float(distillation(logits, logits, 4.0)) == pytest.approx(0, abs=1e-6)
    other = logits.flip(1)
    assert float(distillation(logits, other, 4.0)) == pytest.approx(
        16 * float(distillation(logits / 4, other / 4, 1.0))
    )


# the search


def test_the_search_lowers_the_count_and_leaves_the_teacher_alone(task: Task) -> None:
    before = state(task.teacher)
    task, lines = told(task)
    autorep.linearize(task, FAST)
    counts = [int(line.split("count ")[1]) for line in lines if line.startswith("search: epoch")]
    assert len(counts) == FAST.epochs  # it does not stop early
    assert counts[-1] < counts[0] <= RELUS
    assert same(before, state(task.teacher))
    assert not task.teacher.training


def test_what_was_replaced_can_come_back(task: Task) -> None:
    student = with_states(task, 0)
    with torch.no_grad():
        for found in hysteresis_gates(student).values():
            found.score.fill_(-0.01)
    search(replace(task, relu_budget=RELUS), student, FAST)
    assert any(found.state.any() for found in hysteresis_gates(student).values())


@pytest.mark.parametrize("surrogate", ["identity", "degree0", "degree1", "degree2"])
def test_what_the_search_learnt_stands_in_the_frozen_gates(task: Task, surrogate: str) -> None:
    student = with_states(task, 40, Knobs.model_validate(FAST.model_dump() | {"surrogate": surrogate}))
    pixels = torch.rand(4, *IMAGE)
    before = student.eval()(pixels)
    put(student, binarise(student, 40, exact=False)[0])
    assert all(isinstance(found, FrozenGate) for found in gates(student.body).values())
    torch.testing.assert_close(student(pixels), before)
    assert sum(squares for _, squares in counted(student.body)) == (RELUS - 40 if surrogate == "degree2" else 0)


def test_snapshots_are_kept_on_the_way_down_with_their_own_coefficients(task: Task) -> None:
    knobs = FAST.model_copy(update={"snapshots": ("80%", "60%")})
    asked, *extras = autorep.linearize(task, knobs).candidates
    assert [extra.relu_budget for extra in extras] == [153, 115]
    for candidate in (asked, *extras):
        kept = sum(kept for kept, _ in counted(candidate.model.body))
        assert kept <= candidate.relu_budget
        assert sum(squares for _, squares in counted(candidate.model.body)) == RELUS - kept
    found = [state(candidate.model)["body.relu1.coefficients"] for candidate in (asked, *extras)]
    assert not torch.equal(found[0], found[1])


def test_the_same_seed_gives_the_same_network(task: Task, tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        context = replace(task.context, checkpoints=tmp_path / name)
        runs.append(state(autorep.linearize(replace(task, context=context), FAST).candidates[0].model))
    assert same(*runs)


def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(task: Task, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    checks = iter(range(1000))

    def check() -> None:
        if next(checks) == 5:
            raise Killed

    whole = autorep.linearize(replace(task, context=replace(task.context, checkpoints=tmp_path / "whole")), FAST)
    context = replace(task.context, checkpoints=tmp_path / "parts", checkpoint_every_s=0.0)
    with pytest.raises(Killed):
        autorep.linearize(replace(task, context=replace(context, check=check)), FAST)
    parts = autorep.linearize(replace(task, context=context), FAST)
    assert same(state(whole.candidates[0].model), state(parts.candidates[0].model))


def test_defaults_are_the_authors() -> None:
    knobs = Knobs()
    assert (knobs.penalty, knobs.threshold, knobs.epochs, knobs.lr, knobs.score_lr) == (80, 0.003, 200, 1e-3, None)
    assert (knobs.batch, knobs.warmup_steps, knobs.surrogate, knobs.temperature) == (128, 500, "degree2", 4.0)
    assert autorep.passes(knobs) == 800
    assert autorep.passes(knobs.model_copy(update={"distill_weight": 0.0})) == 600


# from end to end


def exported(spec: TrialSpec, tmp_path: Path) -> tuple[TrialRecord, Classifier]:
    record = run(spec, tmp_path / "trial", Runtime(home=tmp_path))
    assert record.state == "complete", record.reason
    data = Source.of(spec.data, None).dataset()
    export(record, tmp_path / "trial", tmp_path / "bundle", study="s", point=0, data=data)  # compares logits itself
    return record, load(tmp_path / "bundle")


@pytest.mark.parametrize(
    ("method", "knobs"),
    [
        ("autorep", {"epochs": 4, "score_lr": 0.1, "batch": 50}),
        (
            "snl",
            {"penalty": 0.01, "max_epochs": 4, "mask_lr": 0.05, "batch": 50, "exact": True, "surrogate": "degree2"},
        ),
    ],
)
def test_a_trial_counts_its_squares_and_its_export_is_whole(
    spec: TrialSpec, tmp_path: Path, method: str, knobs: dict[str, object]
) -> None:
    spec = TrialSpec.model_validate(spec.model_dump() | {"method": method, "knobs": knobs})
    record, model = exported(spec, tmp_path)
    point = record.points[0]
    assert point.relu_count <= spec.relu_budget
    assert point.profile.squares == RELUS - point.relu_count > 0
    found = [gate.coefficients for gate in gates(model.body).values() if isinstance(gate, FrozenGate)]
    assert [tuple(c.shape) for c in found if c is not None] == [(3, 2), (3, 4)]


def test_snl_starts_its_quadratics_from_what_the_teacher_is_fed(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, torch.Tensor] = {}
    monkeypatch.setattr(snl, "finetune", lambda task, model, knobs: seen.update(state(model)))
    knobs = snl.Knobs(max_epochs=1, batch=32, surrogate="degree2")
    (candidate,) = snl.linearize(task, knobs).candidates
    for path, found in moments(task, gated(task, task.teacher)).items():
        torch.testing.assert_close(
            seen[f"body.{path}.coefficients"], dapa(found.mean, found.std, 2, knobs.curvature).float()
        )
    kept = sum(kept for kept, _ in counted(candidate.model.body))
    assert sum(squares for _, squares in counted(candidate.model.body)) == RELUS - kept
