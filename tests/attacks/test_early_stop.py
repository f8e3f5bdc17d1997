"""PGD that leaves alone what is misclassified leaves the same accuracy as the full climb, and costs less."""

import pytest
import torch
from torch import Tensor, nn

from frontier.attacks import _losses, pgd


class Counting(nn.Module):
    """Counts the images that pass forward, and those of which a gradient is asked."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.forwards, self.backwards, self.batches = model, 0, 0, list[int]()

    def forward(self, pixels: Tensor) -> Tensor:
        self.forwards += len(pixels)
        self.batches.append(len(pixels))
        if torch.is_grad_enabled() and pixels.requires_grad:
            self.backwards += len(pixels)
        logits: Tensor = self.model(pixels)
        return logits

    @property
    def passes(self) -> int:
        """Of the network, a backward pass as two."""
        return self.forwards + 2 * self.backwards


def _right(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(dim=1) == labels


@pytest.mark.parametrize("loss", ["ce", "dlr"])
@pytest.mark.parametrize("restarts", [1, 3])
@pytest.mark.parametrize("eps", [4 / 255, 16 / 255, 32 / 255])
def test_the_same_images_are_left(
    trained: tuple[nn.Module, Tensor, Tensor], eps: float, restarts: int, loss: _losses.Name
) -> None:
    left = [
        _right(
            trained[0],
            pgd.run(*trained, eps=eps, steps=10, seed=0, restarts=restarts, loss=loss, early_stop=early_stop),
            trained[2],
        )
        for early_stop in (True, False)
    ]
    assert torch.equal(*left)


def test_a_survivor_is_climbed_to_the_end(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, _, labels = trained
    stopped, full = (
        pgd.run(*trained, eps=16 / 255, steps=10, seed=0, restarts=2, early_stop=early) for early in (True, False)
    )
    survivors = _right(model, stopped, labels)
    assert 10 < survivors.sum() < 90
    assert torch.allclose(stopped[survivors], full[survivors], atol=1e-12)
    with torch.no_grad():
        margins = [_losses.margin(model(points), labels) for points in (stopped, full)]
    assert (margins[0] <= margins[1] + 1e-9).all()


def test_what_is_misclassified_already_comes_back_as_it_is(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = trained
    wrong = ~_right(model, images, labels)
    assert wrong.any()
    assert torch.equal(pgd.run(*trained, eps=0.1, steps=3, seed=0)[wrong], images[wrong])


def test_a_start_depends_on_seed_place_and_restart_alone(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = trained
    options = {"eps": 16 / 255, "steps": 1, "seed": 0, "restarts": 3, "early_stop": False}
    whole = pgd.run(model, images, labels, **options)
    assert torch.allclose(pgd.run(model, images[:40], labels[:40], **options), whole[:40], atol=1e-12)
    assert not torch.equal(pgd.run(model, images, labels, **{**options, "restarts": 1}), whole)


def test_all_images_cost_what_passes_says_without_stopping(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    counting = Counting(trained[0]).eval()
    pgd.run(counting, *trained[1:], eps=0.1, steps=7, seed=0, early_stop=False)
    assert counting.passes == pgd.passes(7) * 100


def test_only_survivors_are_computed_in_batches_of_the_whole_call(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = trained
    counting = Counting(model).eval()
    pgd.run(counting, images, labels, eps=32 / 255, steps=20, seed=0, batch=10)
    assert counting.passes < 0.5 * pgd.passes(20) * 100
    assert min(counting.batches) >= 5  # 11 images are 5 and 6, and never 10 and 1
    assert max(counting.batches) == 10


def test_an_image_alone_and_no_image_at_all(trained: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, images, labels = trained
    for count in (0, 1):
        assert pgd.run(model, images[:count], labels[:count], eps=0.1, steps=2, seed=0).shape == images[:count].shape
