"""Attacks are as strong as theory says: closed form on a linear classifier, monotone on a trained network."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from frontier.attacks import fgsm, pgd
from frontier.errors import InputError


class Linear(nn.Module):
    """A binary linear classifier of 1x4x4 pixels."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.flatten(1) @ self.weight.T


def _correct(trained: tuple[nn.Module, Tensor, Tensor], images: Tensor) -> Tensor:
    with torch.no_grad():
        return trained[0](images).argmax(dim=1) == trained[2]


@pytest.mark.parametrize("name", ["fgsm", "pgd"])
def test_linear_margin_drops_by_eps_times_the_l1_norm_of_the_weight_difference(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(2, 16, generator=generator, dtype=torch.float64)
    images = torch.rand(20, 1, 4, 4, generator=generator, dtype=torch.float64) * 0.5 + 0.25  # eps away from 0 and 1
    labels, eps, model = torch.arange(20) % 2, 0.1, Linear(weight).eval()
    if name == "fgsm":
        adversarial = fgsm.run(model, images, labels, eps=eps)
    else:
        adversarial = pgd.run(model, images, labels, eps=eps, steps=10, seed=0, early_stop=False)
    own, other = labels[:, None], 1 - labels[:, None]
    margins = [model(pixels).gather(1, own) - model(pixels).gather(1, other) for pixels in (images, adversarial)]
    expected = eps * (weight[0] - weight[1]).abs().sum()
    assert torch.allclose(margins[0] - margins[1], expected.expand(20, 1), atol=1e-9)


def test_network_is_good_enough_to_attack(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    assert _correct(trained, trained[1]).double().mean() > 0.9


def test_larger_eps_never_helps_the_defender(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    accuracies = [
        _correct(trained, pgd.run(*trained, eps=eps, steps=20, seed=0)).sum().item()
        for eps in (0, 2 / 255, 8 / 255, 16 / 255, 32 / 255, 64 / 255)
    ]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[-1] < accuracies[0] // 2


def test_at_eps_one_half_no_more_than_one_answer_for_all_is_left(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    largest_class = trained[2].bincount().max() / len(trained[2])
    assert _correct(trained, pgd.run(*trained, eps=0.5, steps=20, seed=0)).double().mean() <= largest_class + 0.01


def test_pgd_is_at_least_as_strong_as_fgsm(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    eps = 24 / 255
    single = _correct(trained, fgsm.run(*trained, eps=eps))
    iterated = _correct(trained, pgd.run(*trained, eps=eps, steps=20, seed=0))
    assert iterated.sum() <= single.sum() + 2


def test_more_restarts_never_help_the_defender_on_any_image(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    survivors = [_correct(trained, pgd.run(*trained, eps=24 / 255, steps=3, seed=0, restarts=n)) for n in (1, 2, 5)]
    for fewer, more in pairwise(survivors):
        assert not (more & ~fewer).any()


def test_no_image_is_classified_better_under_attack(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    clean = _correct(trained, trained[1])
    attacked = _correct(trained, pgd.run(*trained, eps=2 / 255, steps=1, seed=0))
    assert not (attacked & ~clean).any()


def test_restarts_start_elsewhere_and_batches_do_not_matter(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    whole = pgd.run(*trained, eps=8 / 255, steps=2, seed=0, restarts=3)
    assert torch.allclose(pgd.run(*trained, eps=8 / 255, steps=2, seed=0, restarts=3, batch=17), whole, atol=1e-9)
    assert not torch.equal(pgd.run(*trained, eps=8 / 255, steps=2, seed=1, restarts=3), whole)


def test_fgsm_is_one_signed_gradient_step(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = trained
    inputs = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(model(inputs), labels, reduction="sum"), inputs)
    expected = (images + 0.1 * gradient.sign()).clamp(0, 1)
    assert torch.allclose(fgsm.run(*trained, eps=0.1), expected, atol=1e-12)


def test_pgd_refuses_no_restart_no_step_size_and_an_unknown_loss_and_fgsm_a_second_step(
    trained: tuple[nn.Module, Tensor, Tensor],
) -> None:
    with pytest.raises(InputError, match="restarts"):
        pgd.run(*trained, eps=0.1, steps=1, seed=0, restarts=0)
    with pytest.raises(InputError, match=r"unknown loss 'drl'.*Did you mean 'dlr'"):
        pgd.run(*trained, eps=0.1, steps=1, seed=0, loss="drl")  # type: ignore[arg-type]
    for step_size in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="step_size"):
            pgd.run(*trained, eps=0.1, steps=1, seed=0, step_size=step_size)
    with pytest.raises(InputError, match="exactly one step"):
        fgsm.run(*trained, eps=0.1, steps=2)
