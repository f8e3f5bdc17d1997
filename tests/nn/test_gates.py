import pytest
import torch

from frontier.nn.gates import FrozenGate, Gate, SoftGate

VALUES = torch.tensor([-1e30, -2.0, -1e-30, 0.0, 1e-30, 3.0, 1e30])


def soft(alpha):
    gate = SoftGate(VALUES.shape)
    torch.nn.init.constant_(gate.alpha, alpha)
    return gate


def gradient(function, x):
    x = x.clone().requires_grad_()
    function(x).sum().backward()
    return x.grad


def test_a_gate_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Gate()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_soft_gate_is_relu_at_one_and_identity_at_zero_bit_for_bit(dtype):
    x = VALUES.to(dtype)
    assert torch.equal(soft(1.0)(x), torch.relu(x))
    assert torch.equal(soft(0.0)(x), x)
    assert soft(0.3)(x).dtype == dtype


def test_soft_gate_at_three_tenths_is_a_leaky_relu():
    assert soft(0.3)(VALUES)[1].item() == pytest.approx(-1.4)
    assert torch.equal(soft(0.3)(VALUES)[3:], VALUES[3:])


def test_the_gradient_of_alpha_is_minus_the_negative_part():
    gate = soft(0.3)
    gate(VALUES.expand(2, -1)).sum().backward()
    assert torch.equal(gate.alpha.grad, -2 * VALUES.clamp(max=0))


def test_a_fresh_soft_gate_has_the_gradient_of_relu():
    assert torch.equal(gradient(soft(1.0), VALUES), gradient(torch.relu, VALUES))


def test_frozen_gate_is_relu_where_kept_and_identity_elsewhere():
    kept = torch.tensor([True, False, True, True, False, True, False])
    x = VALUES.flip(0)
    for values in (VALUES, x):
        gate = FrozenGate(kept)
        assert torch.equal(gate(values), torch.where(kept, torch.relu(values), values))
        expected = torch.where(kept, gradient(torch.relu, values), 1.0)
        assert torch.equal(gradient(gate, values), expected)


def test_frozen_gate_keeps_dtype_and_nan():
    gate = FrozenGate(torch.ones(2, dtype=torch.bool))
    assert gate(torch.ones(1, 2, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert gate(torch.full((1, 2), float("nan"))).isnan().all()


def test_soft_gate_keeps_bfloat16_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = SoftGate((4,))(torch.nn.functional.linear(torch.ones(1, 4), torch.eye(4)))
    assert out.dtype == torch.bfloat16


def test_a_mask_is_state_but_not_a_parameter():
    gate = FrozenGate(torch.ones(2, dtype=torch.bool))
    assert list(gate.state_dict()) == ["kept"]
    assert not list(gate.parameters())


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_frozen_gate_has_the_polynomial_of_the_channel_where_not_kept(degree):
    dice = torch.Generator().manual_seed(0)
    kept = torch.rand(2, 3, 3, generator=dice) > 0.5
    coefficients = torch.randn(degree + 1, 2, generator=dice)
    gate = FrozenGate(kept, coefficients)
    x = torch.randn(4, 2, 3, 3, generator=dice)
    value = sum(coefficients[k].view(2, 1, 1) * x**k for k in range(degree + 1))
    torch.testing.assert_close(gate(x), torch.where(kept, torch.relu(x), value))
    assert torch.equal(gate(x)[:, kept], torch.relu(x)[:, kept])
    gate(x).sum().backward()
    powers = torch.stack([(torch.where(kept, 0, x**k)).sum((0, 2, 3)) for k in range(degree + 1)])
    torch.testing.assert_close(gate.coefficients.grad, powers)
    assert sorted(gate.state_dict()) == ["coefficients", "kept"]
    assert gate(x.bfloat16()).dtype == torch.bfloat16
