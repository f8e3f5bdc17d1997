"""A battery keeps flags by image: alone by attack, together and over smaller eps; what an attack returns is checked."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from frontier import registry
from frontier.trial import battery
from frontier.trial.battery import Battery, Effort, Step
from frontier.trial.evaluate import accuracies
from frontier.trial.measure import classified

QUICK = Effort(steps=3, long_steps=4, restarts=2, attack_steps=2)


@pytest.fixture
def model() -> nn.Module:
    """Right on label 1 where the mean pixel is above 0.5."""

    class Mean(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            mean = pixels.flatten(1).mean(1)
            return torch.stack([0.5 - mean, mean - 0.5], 1)

    return Mean().eval()


@pytest.fixture
def images() -> tuple[Tensor, Tensor]:
    """Constant images of 0.495, 0.505, ... 0.585 of class 1: the first is wrong, one more falls each 0.01 of eps."""
    levels = torch.arange(10) / 100 + 0.495
    return levels[:, None, None, None].expand(10, 1, 4, 4).clone(), torch.ones(10, dtype=torch.int64)


def test_flags_are_by_image_and_worst_is_over_all_attacks_and_smaller_eps(
    model: nn.Module, images: tuple[Tensor, Tensor]
) -> None:
    asked = Battery("pgd", (0.03 * 255, 0.05 * 255), QUICK)
    told: list[Step] = []
    found = battery.run(model, *images, asked, told.append)
    small, large = asked.eps_255
    assert int(found.correct.sum()) == 9
    assert [found.count("fgsm", eps) for eps in asked.eps_255] == [6, 4]
    for name in asked.names:
        assert not bool((found.robust[name, large] & ~found.correct).any())
        assert not bool((found.worst[large] & ~found.robust[name, large]).any())
    assert not bool((found.worst[large] & ~found.worst[small]).any())
    assert int(found.at_half.sum()) == 0
    keys = ["clean", *(f"{name}/{eps:g}" for eps in asked.eps_255 for name in (*asked.names, "worst"))]
    assert list(accuracies(found)) == keys
    assert [step.done for step in told] == list(range(9))
    assert {step.of for step in told} == {9}
    assert told[0].left == 9


def test_what_an_attack_returns_is_not_trusted(
    model: nn.Module, images: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaves_the_ball(model: nn.Module, pixels: Tensor, labels: Tensor, **_: object) -> Tensor:
        moved = torch.zeros_like(pixels)
        moved[-1] = torch.nan
        return moved

    load = registry.load
    rogue = SimpleNamespace(run=leaves_the_ball)
    monkeypatch.setattr(registry, "load", lambda axis, name: rogue if name == "rogue" else load(axis, name))
    found = battery.run(model, *images, Battery("rogue", (0.03 * 255,), QUICK), lambda step: None)
    assert found.robust["rogue", 0.03 * 255].tolist() == [False] * 4 + [True] * 6


def test_logits_that_are_not_finite_are_wrong_and_counted(images: tuple[Tensor, Tensor]) -> None:
    class Bursting(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            mean = pixels.flatten(1).mean(1)
            return torch.stack([torch.zeros_like(mean), torch.where(mean > 0.56, torch.inf, 1.0)], 1)

    right, bad = classified(Bursting().eval(), *images)
    assert (int(right.sum()), bad) == (7, 3)


def test_settings_say_whether_it_is_standard() -> None:
    assert Battery("autoattack", (8.0,)).settings()["version"] == "standard"
    assert Battery("autoattack", (8.0,), QUICK).settings()["version"] == "reduced to 2 iterations"
    assert Battery("fgsm", (8.0,)).settings() == {"eps_255": (8.0,), "seed": 0}
    own = Battery("bim", (8.0,))
    assert own.names == ("fgsm", "pgd-20", "pgd-100x5", "bim")
    assert own.ordered == ("fgsm", "pgd-20", "pgd-100x5")
