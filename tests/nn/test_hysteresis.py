"""The hysteresis gate: its states, its gradients, its statistics (AutoReP, Peng et al., ICCV 2023)."""

import copy

import pytest
import torch
from torch.nn.functional import softplus

from frontier.nn.hysteresis import HysteresisGate, hysteresis, relus_on
from frontier.nn.surrogates import dapa, polynomial

SEQUENCE = [0.1, 0.003, 0.0, -0.0029, -0.003, -0.0031, 0.0, 0.0029, 0.003, 0.0031, 0.0, -0.01]
STATES = [1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0]


def mixed(surrogate="degree2", **options):
    """Two channels of 3x3: each position on or off, with coefficients that differ between the channels."""
    dice = torch.Generator().manual_seed(0)
    gate = HysteresisGate(torch.randn(2, 3, 3, generator=dice), surrogate=surrogate, **options)
    with torch.no_grad():
        gate.state.copy_(torch.rand(2, 3, 3, generator=dice) > 0.5)
        if gate.coefficients is not None:
            gate.coefficients.add_(torch.randn(gate.coefficients.shape, generator=dice))
    return gate


@pytest.mark.parametrize("start", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_07_the_sequence(start, dtype):
    state, seen = torch.tensor(start), []
    for score in SEQUENCE:
        state = hysteresis(torch.tensor(score, dtype=dtype), state, 0.003)
        seen.append(int(state))
    assert seen == STATES


def test_07_between_the_thresholds_nothing_changes_but_at_the_lower_one():
    score = torch.linspace(-0.0029, 0.003, 50)
    for state in (torch.ones(50).bool(), torch.zeros(50).bool()):
        assert torch.equal(hysteresis(score, state, 0.003), state)
    assert not hysteresis(torch.tensor(-0.003), torch.tensor(True), 0.003)


def test_08_without_width_it_is_a_plain_gate_and_twice_is_once():
    score = torch.randn(100, generator=torch.Generator().manual_seed(0))
    state = score.roll(1) > 0
    assert torch.equal(hysteresis(score, state, 0.0), score > 0)
    once = hysteresis(score, state, 0.5)
    assert torch.equal(hysteresis(score, once, 0.5), once)


def test_09_the_gradient_of_the_indicator_is_softplus_where_on_and_where_off():
    gate = HysteresisGate(torch.tensor([-2.0, -0.1, 0.0, 0.1, 2.0]).view(5, 1, 1))
    gate.state[:2] = False
    count = relus_on([gate])
    assert float(count.detach()) == 3
    count.backward()
    expected = torch.tensor([0.126928, 0.644397, 0.693147, 0.744397, 2.126928])
    torch.testing.assert_close(gate.score.grad.flatten(), expected, atol=1e-6, rtol=0)


def test_10_a_fresh_gate_is_a_relu_everywhere():
    gate = HysteresisGate(torch.rand(2, 3, 3))
    x = torch.randn(4, 2, 3, 3)
    assert gate.state.all()
    assert torch.equal(gate(x), x.relu())


@pytest.mark.parametrize("surrogate", ["identity", "degree0", "degree1", "degree2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_13_relu_where_on_and_the_polynomial_of_the_channel_elsewhere(surrogate, dtype):
    gate = mixed(surrogate).eval()
    x = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(1)).to(dtype)
    replaced = x if surrogate == "identity" else polynomial(x, gate.coefficients)
    assert torch.equal(gate(x), torch.where(gate.state, x.relu(), replaced))
    assert gate(x).dtype == dtype
    x[:, gate.state] = float("inf")  # what is not chosen does not leak through
    assert gate(x)[:, ~gate.state].isfinite().all()


def test_the_gradients_are_those_of_the_mix_and_straight_through_to_the_score():
    gate = mixed().eval()
    x = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)
    weight = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(2))
    (gate(x) * weight).sum().backward()
    c = gate.coefficients.detach()[:, :, None, None]
    plain = x.detach()
    slope = torch.where(gate.state, (plain > 0).float(), 2 * c[2] * plain + c[1])
    torch.testing.assert_close(x.grad, weight * slope)
    difference = plain.relu() - polynomial(plain, gate.coefficients.detach())
    torch.testing.assert_close(gate.score.grad, softplus(gate.score.detach()) * (weight * difference).sum(0))
    off = torch.where(gate.state, 0, weight)
    powers = torch.stack([(off * plain**k).sum((0, 2, 3)) for k in range(3)])
    torch.testing.assert_close(gate.coefficients.grad, powers)


def test_evaluation_moves_nothing_and_training_moves_first():
    gate = mixed(threshold=0.01)
    before = copy.deepcopy(gate.state_dict())
    x = torch.randn(4, 2, 3, 3)
    gate.eval()(x)
    assert all(torch.equal(before[name], value) for name, value in gate.state_dict().items())
    out = gate.train()(x)
    assert torch.equal(gate.state, hysteresis(gate.score, before["state"], 0.01))
    assert not torch.equal(gate.state, before["state"])
    assert torch.equal(out, torch.where(gate.state, x.relu(), polynomial(x, gate.coefficients)))
    assert int(gate.forwards) == 1


def test_15_running_statistics_are_batch_norms_and_approach_the_truth():
    gate, norm = HysteresisGate(torch.rand(3, 4, 4)), torch.nn.BatchNorm2d(3, affine=False)
    dice = torch.Generator().manual_seed(0)
    mean, std = torch.tensor([0.0, 1.0, -2.0]), torch.tensor([1.0, 0.5, 3.0])
    changed, last = [], gate.coefficients.detach().clone()
    with torch.no_grad():
        for step in range(1, 509):
            x = torch.randn(32, 3, 4, 4, generator=dice) * std[:, None, None] + mean[:, None, None]
            gate(x)
            norm(x)
            if not torch.equal(last, gate.coefficients):
                changed.append(step)
                last = gate.coefficients.detach().clone()
                torch.testing.assert_close(last, dapa(gate.mean, gate.variance.sqrt(), 2))
    assert changed == list(range(10, 501, 10))
    torch.testing.assert_close(gate.mean, norm.running_mean)
    torch.testing.assert_close(gate.variance, norm.running_var)
    torch.testing.assert_close(gate.variance, std**2, rtol=0.05, atol=0)
    torch.testing.assert_close(gate.mean, mean, rtol=0.05, atol=0.05)


def test_a_channel_that_is_constant_leaves_finite_coefficients():
    gate = HysteresisGate(torch.rand(1, 2, 2))
    with torch.no_grad():
        for _ in range(500):
            gate(torch.full((4, 1, 2, 2), 0.5))
    assert gate.coefficients.isfinite().all()


def test_the_warm_up_can_be_shorter_and_the_curvature_less():
    gate = HysteresisGate(torch.rand(1, 2, 2), warmup_steps=10, curvature=0.2)
    x = torch.randn(64, 1, 2, 2, generator=torch.Generator().manual_seed(0)) * 2
    with torch.no_grad():
        for _ in range(10):
            gate(x)
        fitted = gate.coefficients.clone()
        gate.coefficients.add_(1)
        for _ in range(10):
            gate(x)
    torch.testing.assert_close(gate.coefficients.detach(), fitted + 1)
    assert 0 < float(fitted[2]) < 0.05


@pytest.mark.parametrize("surrogate", ["identity", "degree2"])
def test_it_can_be_compiled_whole_and_learns_the_same(surrogate):
    eager = mixed(surrogate, warmup_steps=20)
    traced = copy.deepcopy(eager)
    compiled = torch.compile(traced, backend="aot_eager", fullgraph=True)
    dice = torch.Generator().manual_seed(3)
    for _ in range(12):
        x = torch.randn(4, 2, 3, 3, generator=dice)
        for forward, gate in ((eager, eager), (compiled, traced)):
            gate.zero_grad()
            (forward(x).square().mean() + relus_on([gate])).backward()
            with torch.no_grad():
                gate.score.sub_(0.05 * gate.score.grad)
    assert int(traced.forwards) == (0 if surrogate == "identity" else 12)
    for name, value in eager.state_dict().items():
        torch.testing.assert_close(traced.state_dict()[name], value)


def test_autocast_keeps_bfloat16_and_learns_in_float32():
    gate = mixed()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = gate(torch.randn(4, 2, 3, 3).bfloat16())
    assert out.dtype == torch.bfloat16
    out.float().sum().backward()
    assert {gate.score.grad.dtype, gate.mean.dtype, gate.coefficients.grad.dtype} == {torch.float32}
