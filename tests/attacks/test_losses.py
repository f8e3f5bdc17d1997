"""DLR is blind to a shift and a scale of the logits (A3), and therefore breaks what only hides its gradients (A4)."""

import pytest
import torch
from torch import Tensor, nn

from frontier.attacks import _canonical, _losses, autoattack, pgd
from frontier.errors import InputError

EPS = 32 / 255


class Loud(nn.Module):
    """Logits of 1e4 times the size: in float32 the cross-entropy of a right answer is exactly 0, and flat."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = 1e4 * self.model(pixels)
        return logits


def _right(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(dim=1) == labels


@pytest.fixture
def logits() -> Tensor:
    return torch.randn(50, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def labels() -> Tensor:
    return torch.arange(50) % 10


def test_dlr_by_hand() -> None:
    logits = torch.tensor([[5.0, 3.0, 1.0, 0.0], [5.0, 3.0, 1.0, 0.0]])
    assert _losses.dlr(logits, torch.tensor([0, 2])).tolist() == [-0.5, 1.0]  # (3 - 5) / (5 - 1), (5 - 1) / (5 - 1)


def test_dlr_does_not_see_a_shift_or_a_scale(logits: Tensor, labels: Tensor) -> None:
    expected = _losses.dlr(logits, labels)
    for changed in (logits + 7.0, 1e4 * logits, 1e-3 * logits - 2.0):
        assert torch.allclose(_losses.dlr(changed, labels), expected, atol=1e-8)


def test_dlr_is_the_packages(logits: Tensor, labels: Tensor) -> None:
    stage = _canonical.standard(
        lambda pixels: pixels,
        classes=10,
        eps=0.1,
        steps=1,
        seed=0,
        device=logits.device,
        logger=_canonical.logger(print),
    )["apgd-ce"]
    assert torch.allclose(_losses.dlr(logits, labels), stage.dlr_loss(logits, labels))


def test_dlr_and_the_margin_are_positive_where_an_image_is_misclassified(logits: Tensor, labels: Tensor) -> None:
    wrong = logits.argmax(dim=1) != labels
    assert torch.equal(_losses.dlr(logits, labels) > 0, wrong)
    assert torch.equal(_losses.margin(logits, labels) > 0, wrong)


@pytest.mark.parametrize("classified_right", [True, False])
def test_dlr_asks_for_three_classes_also_where_nothing_is_left_to_attack(classified_right: bool) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()
    for parameter in net.parameters():
        nn.init.uniform_(parameter, -1, 1, generator=torch.Generator().manual_seed(0))
    images = torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        said = net(images).argmax(dim=1)
    with pytest.raises(InputError, match="at least 3 classes"):
        pgd.run(net, images, said if classified_right else 1 - said, eps=0.1, steps=1, seed=0, loss="dlr")


def test_dlr_is_as_strong_as_cross_entropy_on_a_network_that_hides_nothing(
    trained: tuple[nn.Module, Tensor, Tensor],
) -> None:
    left = {
        loss: int(_right(trained[0], pgd.run(*trained, eps=24 / 255, steps=20, seed=0, loss=loss), trained[2]).sum())
        for loss in ("ce", "dlr")
    }
    assert abs(left["ce"] - left["dlr"]) <= 3


def test_large_logits_stall_cross_entropy_and_neither_dlr_nor_square(
    single: tuple[nn.Module, Tensor, Tensor],
) -> None:
    net, images, labels = single
    loud = Loud(net).eval()
    open_, stalled, broken = (
        int(_right(net, pgd.run(model, images, labels, eps=EPS, steps=20, seed=0, loss=loss), labels).sum())
        for model, loss in ((net, "ce"), (loud, "ce"), (loud, "dlr"))
    )
    assert stalled >= 3 * open_ + 10
    assert abs(broken - open_) <= 2
    stages = _canonical.standard(
        loud,
        classes=10,
        eps=EPS,
        steps=20,
        seed=0,
        device=images.device,
        logger=_canonical.logger(lambda line: None),
    )
    with _canonical.seeded():
        assert int(_right(net, stages["square"].perturb(images, labels), labels).sum()) <= stalled // 2


def test_autoattack_breaks_large_logits_where_its_cross_entropy_stalls(
    single: tuple[nn.Module, Tensor, Tensor],
) -> None:
    net, images, labels = single
    hidden, plain = (
        autoattack.attack(model, images, labels, eps=EPS, steps=20, seed=0).robust for model in (Loud(net).eval(), net)
    )
    assert hidden["apgd-ce"].sum() > plain["apgd-ce"].sum() + 10
    assert abs(int(hidden["square"].sum()) - int(plain["square"].sum())) <= 2
