"""The invariants of the reconstruction of StreamliNet (T1), and that each of its readings does what it says."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from method_task import IMAGE, RELUS, fresh, same, state
from torch import Tensor, nn

from frontier.errors import TrialFailed
from frontier.methods import streamlinet
from frontier.methods.streamlinet import Knobs
from frontier.nn.counter import count_relus
from frontier.nn.gates import FrozenGate, SoftGate
from frontier.nn.network import Classifier, build
from frontier.nn.sites import Site
from frontier.nn.surgery import gates, mask_of
from frontier.training import allocation
from frontier.training.task import Task, gated

FAST = Knobs(w_sensitivity=0, epochs=2, mask_lr=0.05, penalty=1e-3, batch=32)


def having(**changes: object) -> Knobs:
    return Knobs.model_validate(FAST.model_dump() | changes)


def soft(alpha: Tensor) -> SoftGate:
    """A gate of shape (1, 1, n) with the given s."""
    made = streamlinet.closing(Site("relu", (1, 1, alpha.numel()), True))
    with torch.no_grad():
        made.alpha.copy_(alpha.reshape(made.shape))
    return made


def dead_task(task: Task) -> Task:
    """The first site's channel 0 is never negative: its batch norm adds 100."""
    teacher = fresh(0).eval()
    with torch.no_grad():
        teacher.body.bn1.bias[0] = 100.0  # type: ignore[index, union-attr]  # tinynet's
    return replace(task, teacher=teacher)


# (a) negativity and cost


def test_t1_negativity_and_cost_of_a_fixed_tensor_are_what_a_hand_counts() -> None:
    z = torch.tensor([[-2.0, 0.0, 3.0], [-1.0, -4.0, 0.0], [1.0, 0.0, 0.5], [2.0, 1.0, 0.0]])  # 4 images, 3 units
    assert streamlinet.negative(z, "strict").mean(0).tolist() == [0.5, 0.25, 0.0]
    assert streamlinet.negative(z, "nonstrict").mean(0).tolist() == [0.5, 0.75, 0.5]
    assert streamlinet.price(z).mean(0).tolist() == [0.75, 1.0, 0.0]


def test_t1_what_is_measured_is_the_mean_over_the_images_of_what_each_gate_is_fed(task: Task) -> None:
    nu, cost = streamlinet.measured(task, task.train, "strict")
    seen: dict[str, Tensor] = {}
    plain = task.teacher.body
    modules = dict(plain.named_modules())
    handles = [
        modules[path].register_forward_hook(lambda m, args, out, path=path: seen.update({path: args[0].detach()}))
        for path in nu
    ]
    with torch.no_grad():
        task.teacher(task.train.pixels.float() / 255)
    for handle in handles:
        handle.remove()
    for path, z in seen.items():
        torch.testing.assert_close(nu[path], (z < 0).double().mean(0))
        torch.testing.assert_close(cost[path], (-z).clamp(min=0).double().mean(0))
        assert 0 <= float(nu[path].min()) <= float(nu[path].max()) <= 1


def test_t1_no_negativity_is_no_cost_and_the_same_output_when_linear(task: Task) -> None:
    task = dead_task(task)
    nu, cost = streamlinet.measured(task, task.train, "strict")
    assert float(nu["relu1"][0].max()) == 0.0
    assert all(torch.equal(nu[path] == 0, cost[path] == 0) for path in nu)
    cut = gated(task, task.teacher)
    for path, found in gates(cut.body).items():
        assert isinstance(found, FrozenGate)
        found.kept[nu[path] == 0] = False
    pixels = task.train.pixels.float() / 255
    with torch.no_grad():
        assert torch.equal(cut(pixels), task.teacher(pixels))


def test_t1_cost_is_homogeneous_and_negativity_blind_to_scale() -> None:
    z = torch.randn(50, 7, generator=torch.Generator().manual_seed(0))
    for scale in (0.25, 8.0):
        assert torch.equal(streamlinet.negative(scale * z, "strict"), streamlinet.negative(z, "strict"))
        assert torch.equal(streamlinet.price(scale * z), scale * streamlinet.price(z))


def test_the_magnitude_reading_has_the_cost_in_place_of_the_negativity(task: Task) -> None:
    nu, cost = streamlinet.measured(task, task.train, "magnitude")
    assert all(torch.equal(nu[path], cost[path]) for path in cost)


def test_the_batch_norm_reading_is_the_normal_distributions(task: Task) -> None:
    norm = nn.BatchNorm2d(5)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, -2.0, 0.0, 0.0]))
        norm.bias.copy_(torch.tensor([0.0, -2.0, -2.0, -1.0, 0.0]))
    nu = streamlinet.normal_negativity(norm, torch.zeros(5, 2, 3))
    assert nu.shape == (5, 2, 3)
    assert nu[:, 1, 2].tolist() == pytest.approx([0.5, 0.841345, 0.841345, 1.0, 0.0], abs=1e-6)
    bare = streamlinet.normal_negativity(nn.BatchNorm2d(5, affine=False), torch.zeros(5, 2, 3))
    assert bare.unique().tolist() == [0.5]
    nu_of, _ = streamlinet.measured(task, task.train, "batchnorm")
    assert {path: value.unique().tolist() for path, value in nu_of.items()} == {"relu1": [0.5], "relu2": [0.5]}


def test_the_batch_norm_reading_refuses_a_stem_without_one(task: Task) -> None:
    image = (3, 16, 16)
    body = build("airnet", image, 4, options={"width1": 2, "width2": 2, "width3": 2, "stem_stride": 1})
    model = Classifier(body, (0.3,) * 3, (0.3,) * 3).eval()
    pixels = torch.zeros(4, *image, dtype=torch.uint8)
    other = replace(task, teacher=model, image=image, train=replace(task.train, pixels=pixels))
    with pytest.raises(TrialFailed, match="batch norm right before every ReLU, and relu has none"):
        streamlinet.norms(other, gated(other, model))


def test_the_batch_norm_reading_refuses_a_residual_sum(task: Task) -> None:
    body = build("resnet9", IMAGE, 4, options={"width": 2})
    model = Classifier(body, (0.3,), (0.3,)).eval()
    other = replace(task, teacher=model)
    with pytest.raises(TrialFailed, match=r"layer1\.0\.relu2"):
        streamlinet.linearize(other, having(negativity="batchnorm"))


# (b) the metric


def test_the_metric_is_a_weighted_product_of_factors_divided_by_their_largest() -> None:
    assert streamlinet.metric([([0.2, 0.4], 1.0), ([9.0, 3.0], 0.5)], 2) == pytest.approx([0.5, (1 / 3) ** 0.5])
    assert streamlinet.metric([], 3) == [1, 1, 1]
    assert streamlinet.metric([([0.0, 0.0], 1.0)], 2) == [0, 0]


@pytest.mark.parametrize("budget", [0, 1, 40, 100, RELUS])
def test_t1_budgets_are_water_filled_by_the_metric(task: Task, monkeypatch: pytest.MonkeyPatch, budget: int) -> None:
    alphas = {"relu1": 0.9, "relu2": 0.3}
    monkeypatch.setattr(streamlinet, "sensitivities", lambda task, knobs: alphas)
    task = replace(task, relu_budget=budget)
    nu = {"relu1": torch.full((2, 8, 8), 0.2), "relu2": torch.full((4, 4, 4), 0.5)}
    counts = streamlinet.shares(task, nu, task.train, having(w_sensitivity=2.0))
    weights = [0.4, (1 / 3) ** 2]
    assert tuple(counts.values()) == allocation.whole(weights, [128, 64], budget)
    assert sum(counts.values()) == budget


def test_a_factor_of_weight_zero_is_never_measured(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object) -> Mapping[str, float]:
        raise AssertionError

    monkeypatch.setattr(streamlinet, "sensitivities", never)
    monkeypatch.setattr(streamlinet, "gradients", never)
    streamlinet.shares(task, {}, task.train, having(w_negativity=0))


def test_gradients_are_those_of_the_mean_loss_however_it_is_batched(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = streamlinet.gradients(task, task.train)
    monkeypatch.setattr(streamlinet, "BATCH", 7)
    assert streamlinet.gradients(task, task.train) == pytest.approx(whole, rel=1e-4)
    assert task.context.passes == {"gradients": 3.0}
    assert min(whole.values()) > 0
    assert all(parameter.grad is None for parameter in task.teacher.parameters())


# (c) the order in which units become linear


def test_t1_the_cost_aware_order_drops_the_cheapest_first_and_before_them_what_costs_nothing() -> None:
    cost = torch.tensor([0.3, 0.0, 0.1, 0.2])
    equal = soft(torch.tensor([0.5, 0.5, 0.5, 0.5]))
    for rank in ("gate", "gate_times_cost"):
        assert np.argsort(streamlinet.ranks(equal, cost, rank).ravel()).tolist() == [1, 2, 3, 0]
    gates_differ = soft(torch.tensor([0.1, 0.9, 0.8, 0.3]))
    assert np.argsort(streamlinet.ranks(gates_differ, cost, "gate").ravel()).tolist() == [1, 0, 3, 2]
    assert np.argsort(streamlinet.ranks(gates_differ, cost, "gate_times_cost").ravel()).tolist() == [1, 0, 3, 2]
    rich = soft(torch.tensor([0.4, 0.9, 0.8, 0.9]))  # s * cost: 0.12, 0, 0.08, 0.18
    assert np.argsort(streamlinet.ranks(rich, cost, "gate").ravel()).tolist() == [1, 0, 2, 3]
    assert np.argsort(streamlinet.ranks(rich, cost, "gate_times_cost").ravel()).tolist() == [1, 2, 0, 3]


def test_t1_units_without_negativity_are_linear_before_the_search_begins(task: Task) -> None:
    task = dead_task(task)
    nu, cost = streamlinet.measured(task, task.train, "strict")
    student = gated(task, task.teacher, streamlinet.closing)
    streamlinet.close(student, cost, {"relu1": 20, "relu2": 20}, FAST)
    for path, found in streamlinet.soft_gates(student).items():
        assert torch.equal(streamlinet.linear(found), nu[path] == 0)
        assert torch.equal(found.alpha.detach(), (nu[path] > 0).float())


def test_no_layer_closes_more_than_it_must() -> None:
    found = soft(torch.tensor([0.0, 0.005, 0.01, 0.5]))
    student = Classifier(nn.Sequential(found), (0.0,), (1.0,))
    cost = {"0": torch.tensor([0.1, 0.2, 0.3, 0.4]).reshape(1, 1, 4)}
    streamlinet.close(student, cost, {"0": 2}, FAST)
    assert streamlinet.linear(found).flatten().tolist() == [True, True, False, False]
    streamlinet.close(student, cost, {"0": 1}, FAST)
    assert streamlinet.linear(found).flatten().tolist() == [True, True, True, False]
    assert streamlinet.all_closed(student, {"0": 1})
    assert streamlinet.chosen(student, cost, {"0": 1}, FAST).bits("0").ravel().tolist() == [False, False, False, True]


def test_closed_units_stay_linear_and_gates_within_zero_and_one(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    close = streamlinet.close

    def watch(student: Classifier, *args: object) -> None:
        for found in streamlinet.soft_gates(student).values():
            alpha = found.alpha.detach()
            assert 0 <= float(alpha.min()) <= float(alpha.max()) <= 1
            assert not alpha[streamlinet.linear(found)].any()
        close(student, *args)  # type: ignore[arg-type]
        seen.append(tuple(streamlinet.still_open(found) for found in streamlinet.soft_gates(student).values()))

    monkeypatch.setattr(streamlinet, "close", watch)
    streamlinet.linearize(task, having(epochs=40, penalty=1e-1))
    assert all(later <= sooner for two in pairwise(seen) for sooner, later in zip(*two, strict=True))
    assert sum(seen[-1]) == task.relu_budget
    assert len(seen) < 41  # it ended when every layer was at its count


def test_the_penalty_presses_on_each_layer_by_what_it_has_to_lose() -> None:
    masks = [torch.full((2, 2), 0.5), torch.full((3,), -1.0)]
    assert float(streamlinet.magnitude(masks, [1.0, 0.25])) == pytest.approx(2.75)


# (d) the consistency


def test_consistency_is_zero_for_equal_maps_whatever_their_scale() -> None:
    a = torch.rand(3, 2, 4, 4) + 0.1
    ones = [torch.ones(2, 4, 4)]
    assert float(streamlinet.consistency([a], [a], ones)) == 0.0
    assert float(streamlinet.consistency([5 * a], [a], ones)) == pytest.approx(0.0, abs=1e-10)


def test_consistency_by_hand_and_without_a_gradient_to_the_teacher() -> None:
    student = torch.tensor([[3.0, 4.0]]).reshape(1, 1, 1, 2).requires_grad_()
    teacher = torch.tensor([[1.0, 0.0]]).reshape(1, 1, 1, 2).requires_grad_()
    value = streamlinet.consistency([student], [teacher], [torch.tensor([[[0.5, 1.5]]])])
    assert float(value.detach()) == pytest.approx(0.5 * 0.4**2 + 1.5 * 0.8**2)
    value.backward()
    assert student.grad is not None
    assert teacher.grad is None


def test_its_weights_go_with_the_cost_of_the_units_that_are_linear() -> None:
    omega = streamlinet.unit_weights(torch.tensor([1.0, 0.0, 0.0, 0.5]), torch.tensor([5.0, 1.0, 3.0, 2.0]))
    assert omega.tolist() == pytest.approx([0.0, 0.8, 2.4, 0.8])
    assert streamlinet.unit_weights(torch.ones(4), torch.ones(4)).tolist() == [0, 0, 0, 0]


# The whole


@pytest.mark.parametrize("budget", [0, 1, 96, RELUS])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"negativity": "nonstrict", "rank": "gate_times_cost", "threshold": -1.0},
        {"negativity": "batchnorm", "pressure": "even", "w_gradient": 1.0, "score_images": 40},
        {"consistency_weight": 0, "distill_weight": 0, "attention_weight": 10.0},
    ],
)
def test_every_reading_meets_the_budget_exactly(task: Task, budget: int, changes: dict[str, object]) -> None:
    done = streamlinet.linearize(replace(task, relu_budget=budget), having(**changes))
    (candidate,) = done.candidates
    assert sum(site.kept for site in count_relus(candidate.model.body, IMAGE)) == budget
    assert mask_of(candidate.model.body).count == budget


def test_what_it_costs_is_charged_and_never_more_than_it_said(task: Task) -> None:
    knobs = having(w_gradient=1.0, score_images=48, threshold=-1.0)
    streamlinet.linearize(task, knobs)
    spent = {stage: cost for stage, cost in task.context.passes.items() if stage != "finetune"}
    assert spent == {"negativity": 0.5, "gradients": 1.5, "search": 8.0}
    assert sum(spent.values()) <= streamlinet.passes(knobs) == 12.0
    assert streamlinet.passes(having(consistency_weight=0, distill_weight=0)) == 7.0


def test_a_search_that_did_not_finish_says_so(task: Task) -> None:
    done = streamlinet.linearize(task, having(epochs=1, penalty=0))
    assert done.notes == ("streamlinet: 1 epochs left 192 ReLUs; each layer kept the best of its own",)
    assert streamlinet.linearize(task, having(epochs=1, threshold=-1.0)).notes == ()


def test_the_teacher_is_unchanged_bit_for_bit(task: Task) -> None:
    before = state(task.teacher)
    streamlinet.linearize(task, having(w_gradient=1.0))
    assert same(before, state(task.teacher))
    assert not task.teacher.training


def test_the_same_seed_gives_the_same_network_also_after_a_crash(task: Task, tmp_path: Path) -> None:
    class Crash(Exception):
        pass

    knobs = having(epochs=8, penalty=1e-2)
    runs = [state(streamlinet.linearize(task, knobs).candidates[0].model)]
    left = iter(range(6))

    def check() -> None:
        if next(left, None) is None:
            raise Crash

    shaky = replace(task.context, checkpoints=tmp_path / "shaky", check=check, checkpoint_every_s=0.0, passes={})
    with pytest.raises(Crash):
        streamlinet.linearize(replace(task, context=shaky), knobs)
    assert shaky.load("search") is not None
    mended = replace(shaky, check=lambda: None)
    runs.append(state(streamlinet.linearize(replace(task, context=mended), knobs).candidates[0].model))
    assert same(*runs)


def test_it_says_that_it_is_a_reconstruction() -> None:
    assert streamlinet.FIDELITY == "reconstruction"
    assert "reconstruct" in streamlinet.DEVIATIONS[0]
    assert streamlinet.__doc__ is not None
    assert "10.1016/j.ins.2024.120463" in streamlinet.__doc__


def test_an_unknown_reading_is_refused() -> None:
    with pytest.raises(ValueError, match="negativity"):
        having(negativity="sometimes")
