"""What every attack must do: stay in its ball, change nothing in the model, be deterministic, refuse bad input."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontier import registry
from frontier.errors import InputError

EPS = 8 / 255


@pytest.fixture(params=registry.names("attack"))
def attack(request: pytest.FixtureRequest) -> Any:
    return registry.load("attack", request.param)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 5)
    ).eval()


@pytest.fixture
def images() -> Tensor:
    """Random pixels, one image black and one white."""
    pixels = torch.rand(10, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    pixels[0], pixels[1] = 0, 1
    return pixels


@pytest.fixture
def labels(model: nn.Module, images: Tensor) -> Tensor:
    """What the model says of each image: an attack may leave alone what is misclassified as it is."""
    with torch.no_grad():
        found: Tensor = model(images).argmax(dim=1)
    return found


def test_stays_in_the_ball_and_in_the_pixel_range(
    attack: Any, model: nn.Module, images: Tensor, labels: Tensor
) -> None:
    for eps in (1 / 255, EPS, 0.5):
        adversarial = attack.run(model, images, labels, eps=eps, steps=1, seed=0)
        assert adversarial.shape == images.shape
        assert adversarial.dtype == images.dtype
        assert (adversarial - images).abs().max() <= eps + 1e-6
        assert adversarial.min() >= 0
        assert adversarial.max() <= 1


def test_changes_nothing_in_the_model_and_not_the_images(
    attack: Any, model: nn.Module, images: Tensor, labels: Tensor
) -> None:
    model[5].bias.requires_grad_(False)  # as a frozen parameter of a method
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    asking = [parameter.requires_grad for parameter in model.parameters()]
    given = images.clone()
    with torch.no_grad():
        attack.run(model, images, labels, eps=EPS, steps=1, seed=0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [parameter.requires_grad for parameter in model.parameters()] == asking
    assert not any(module.training for module in model.modules())
    assert torch.equal(images, given)
    assert not images.requires_grad


def test_existing_gradients_stay(attack: Any, model: nn.Module, images: Tensor, labels: Tensor) -> None:
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    attack.run(model, images, labels, eps=EPS, steps=1, seed=0)
    assert all(parameter.grad is not None and (parameter.grad == 1).all() for parameter in model.parameters())


def test_eps_0_returns_the_images(attack: Any, model: nn.Module, images: Tensor, labels: Tensor) -> None:
    assert torch.equal(attack.run(model, images, labels, eps=0, steps=1, seed=0), images)


def test_depends_on_the_seed_and_not_on_batch_or_global_random_state(
    attack: Any, model: nn.Module, images: Tensor, labels: Tensor
) -> None:
    torch.manual_seed(1)
    first = attack.run(model, images, labels, eps=EPS, steps=1, seed=3)
    state = torch.manual_seed(2).get_state()
    assert torch.equal(attack.run(model, images, labels, eps=EPS, steps=1, seed=3), first)
    assert torch.equal(torch.get_rng_state(), state)
    if not getattr(attack, "BATCH_MATTERS", False):
        parts = attack.run(model, images, labels, eps=EPS, steps=1, seed=3, batch=3)
        assert (parts - first).abs().max() < 1e-6


def test_raises_the_loss(attack: Any, model: nn.Module, images: Tensor, labels: Tensor) -> None:
    adversarial = attack.run(model, images, labels, eps=0.5, steps=1, seed=0)
    with torch.no_grad():
        clean, attacked = (nn.functional.cross_entropy(model(pixels), labels) for pixels in (images, adversarial))
    assert attacked > clean


def test_a_model_without_gradient_leaves_finite_images(attack: Any, images: Tensor, labels: Tensor) -> None:
    class Broken(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return pixels.sum(dim=(1, 2, 3))[:, None] * torch.full((5,), float("nan"))

    assert attack.run(Broken().eval(), images, labels, eps=EPS, steps=1, seed=0).isfinite().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eps": -0.1}, "eps"),
        ({"eps": float("nan")}, "eps"),
        ({"eps": float("inf")}, "eps"),
        ({"steps": 0}, "steps"),
        ({"batch": 0}, "batch"),
    ],
)
def test_refuses_bad_options(
    attack: Any, model: nn.Module, images: Tensor, labels: Tensor, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        attack.run(model, images, labels, **{"eps": EPS, "steps": 1, "seed": 0, **change})


@pytest.mark.parametrize("pixel", [-0.01, 1.01, float("nan"), 255.0])
def test_refuses_pixels_outside_0_to_1(
    attack: Any, model: nn.Module, images: Tensor, labels: Tensor, pixel: float
) -> None:
    images[3, 0, 2, 2] = pixel
    with pytest.raises(InputError, match="pixels must lie in"):
        attack.run(model, images, labels, eps=EPS, steps=1, seed=0)


def test_refuses_bytes_missing_labels_and_a_training_model(
    attack: Any, model: nn.Module, images: Tensor, labels: Tensor
) -> None:
    with pytest.raises(InputError, match="not images"):
        attack.run(model, (images * 255).to(torch.uint8), labels, eps=EPS, steps=1, seed=0)
    with pytest.raises(InputError, match="one label an image"):
        attack.run(model, images, labels[:4], eps=EPS, steps=1, seed=0)
    model[1].train()
    with pytest.raises(InputError, match="evaluation mode"):
        attack.run(model, images, labels, eps=EPS, steps=1, seed=0)
