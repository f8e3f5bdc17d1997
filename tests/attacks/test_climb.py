"""How PGD climbs: where it starts, how far a step goes, and that it does not move where the gradient says nothing."""

import pytest
import torch
from torch import Tensor, nn

from frontier.attacks import fgsm, pgd

EPS = 0.1


class Recording(nn.Module):
    """Two logits: the sum of the pixels, and 0. It keeps all images that it is shown; the corner's gradient is NaN."""

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__()
        self.broken, self.seen = broken, list[Tensor]()
        self.eval()

    def forward(self, pixels: Tensor) -> Tensor:
        self.seen.append(pixels.detach().clone())
        total = pixels.flatten(1).sum(1)
        if self.broken:
            total = total + (0 * pixels[:, 0, 0, 0]).sqrt()
        return torch.stack([total, torch.zeros_like(total)], 1)


def grey(*shape: int) -> tuple[Tensor, Tensor]:
    """Images of class 0 that are 0.5 everywhere: EPS leads nowhere out of [0, 1]."""
    return torch.full(shape, 0.5, dtype=torch.float64), torch.zeros(shape[0], dtype=torch.int64)


def climbed(model: Recording, images: Tensor, labels: Tensor, steps: int, step_size: float | None = None) -> Tensor:
    """All points of the climb, the start first, (steps + 1, N, C, H, W)."""
    pgd.run(model, images, labels, eps=EPS, steps=steps, step_size=step_size, seed=0, early_stop=False)
    assert torch.equal(model.seen[0], images)
    return torch.stack(model.seen[1:])


@pytest.mark.parametrize("steps", [4, 10, 20, 100])
def test_a_step_is_two_and_a_half_eps_by_the_number_of_steps(steps: int) -> None:
    points = climbed(Recording(), *grey(8, 3, 4, 4), steps)
    assert len(points) == steps + 1
    free = points[1:] > 0.5 - EPS + 1e-9  # not at the lower end of the ball
    assert free[0].any()
    assert torch.allclose((points[:-1] - points[1:])[free], torch.tensor(2.5 * EPS / steps).double(), atol=1e-12)
    assert torch.allclose(points[-1], torch.tensor(0.5 - EPS).double(), atol=1e-12)  # it crosses the ball, and more


def test_a_step_may_be_given() -> None:
    points = climbed(Recording(), *grey(8, 3, 4, 4), 3, step_size=0.01)
    free = points[-1] > 0.5 - EPS + 1e-9
    assert free.double().mean() > 0.5
    assert torch.allclose((points[0] - points[-1])[free], torch.tensor(0.03).double(), atol=1e-12)


def test_starts_are_uniform_over_the_whole_ball_and_differ_by_image() -> None:
    start = climbed(Recording(), *grey(64, 3, 16, 16), 1)[0]
    offsets = (start - 0.5) / EPS
    shares = offsets.flatten().histc(bins=10, min=-1, max=1) / offsets.numel()  # histc leaves out what is beyond
    assert torch.allclose(shares, torch.tensor(0.1).double(), atol=0.005)
    assert abs(torch.corrcoef(offsets[:2].flatten(1))[0, 1]) < 0.1


def test_where_the_gradient_is_nan_nothing_moves() -> None:
    images, labels = grey(8, 3, 4, 4)
    points = climbed(Recording(broken=True), images, labels, 10)
    stays = torch.zeros(3, 4, 4, dtype=torch.bool)
    stays[0, 0, 0] = True
    assert (points[:, :, stays] == points[0][:, stays]).all()
    assert (points[-1][:, ~stays] < points[0][:, ~stays]).all()
    adversarial = fgsm.run(Recording(broken=True), images, labels, eps=EPS)
    assert (adversarial[:, stays] == 0.5).all()
    assert torch.allclose(adversarial[:, ~stays], torch.tensor(0.5 - EPS).double())
