"""A battery keeps flags by image: alone by attack, together and over smaller eps; what an attack returns is checked."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from frontier import registry
from frontier.attacks import pgd
from frontier.trial import battery, health
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


def plug_in(run: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    """An attack named `own`."""
    load = registry.load
    own = SimpleNamespace(run=run)
    monkeypatch.setattr(registry, "load", lambda axis, name: own if name == "own" else load(axis, name))


class Stubborn(nn.Module):
    """Always class 1. Counts its forwards by image, and how far what it is shown is from grey."""

    def __init__(self) -> None:
        super().__init__()
        self.shown, self.reach = 0, 0.0

    def forward(self, pixels: Tensor) -> Tensor:
        self.shown += len(pixels)
        self.reach = max(self.reach, float((pixels.detach() - 0.5).abs().max()))
        mean = pixels.flatten(1).mean(1)
        return torch.stack([-mean, mean + 9], 1)


def test_every_attack_takes_the_iterations_restarts_and_eps_that_its_name_says() -> None:
    model = Stubborn().eval()
    grey, labels = torch.full((2, 1, 4, 4), 0.5), torch.ones(2, dtype=torch.int64)
    told: list[tuple[str, int, float]] = []

    def tell(step: Step) -> None:
        told.append((step.stage, model.shown, model.reach))
        model.shown, model.reach = 0, 0.0

    battery.run(model, grey, labels, Battery("pgd", (2.0, 8.0)), tell)
    tell(Step("end", 0, 0, 0))
    found = {before[0]: after[1:] for before, after in pairwise(told)}
    passes = {"fgsm": 1, "pgd-20": 1 + 21, "pgd-100x5": 1 + 5 * 101, "pgd-200x5": 1 + 5 * 201}
    expected = {f"{name}/{eps}": (2 * (count + 1), eps / 255) for eps in (2, 8) for name, count in passes.items()}
    expected["pgd at half/127.5"] = (2 * (1 + 21 + 1), 0.5)
    assert list(found) == list(expected)
    for stage, (shown, reach) in expected.items():
        assert found[stage] == (shown, pytest.approx(reach, rel=1e-4)), stage


class Blind(nn.Module):
    """Wrong on label 1 where the mean pixel is below 0.46, and without a gradient: of itself no attack finds it."""

    def forward(self, pixels: Tensor) -> Tensor:
        mean = pixels.flatten(1).mean(1)
        return torch.stack([0 * mean, torch.where(mean.detach() < 0.46, -1.0, 1.0)], 1)


def test_what_a_smaller_eps_broke_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(model: nn.Module, pixels: Tensor, labels: Tensor, *, eps: float, **_: object) -> Tensor:
        return pixels - eps if eps < 0.06 else pixels.clone()

    plug_in(lost, monkeypatch)
    grey, labels = torch.full((4, 1, 8, 8), 0.5), torch.ones(4, dtype=torch.int64)
    small, large = 0.05 * 255, 0.08 * 255
    found = battery.run(Blind().eval(), grey, labels, Battery("own", (small, large), QUICK), lambda step: None)
    assert [found.count("own", eps) for eps in (small, large)] == [0, 4]
    assert [int(found.worst[eps].sum()) for eps in (small, large)] == [0, 0]


def test_twice_the_iterations_are_no_part_of_the_worst_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(model: nn.Module, pixels: Tensor, labels: Tensor, *, eps: float, steps: int, **_: object) -> Tensor:
        return pixels - eps if steps > QUICK.long_steps else pixels.clone()

    monkeypatch.setattr(pgd, "run", late)
    grey, labels = torch.full((4, 1, 8, 8), 0.5), torch.ones(4, dtype=torch.int64)
    asked = Battery("pgd", (0.05 * 255,), QUICK)
    found = battery.run(Blind().eval(), grey, labels, asked, lambda step: None)
    assert found.count(asked.doubled, *asked.eps_255) == 0
    assert int(found.worst[asked.eps_255[0]].sum()) == 4


def test_an_attack_that_mends_an_image_does_not_make_it_right(
    model: nn.Module, images: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(lambda model, pixels, labels, **_: torch.ones_like(pixels), monkeypatch)
    eps = 0.03 * 255
    found = battery.run(model, *images, Battery("own", (eps,), QUICK), lambda step: None)
    assert int(classified(model, (images[0] + 0.03).clamp(max=1), images[1])[0].sum()) == 10
    assert torch.equal(found.robust["own", eps], found.correct)
    assert found.count("own", eps) == 9


def test_what_an_attack_returns_is_not_trusted(
    model: nn.Module, images: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaves_the_ball(model: nn.Module, pixels: Tensor, labels: Tensor, **_: object) -> Tensor:
        moved = torch.zeros_like(pixels)
        moved[-1] = torch.nan
        return moved

    plug_in(leaves_the_ball, monkeypatch)
    found = battery.run(model, *images, Battery("own", (0.03 * 255,), QUICK), lambda step: None)
    assert found.robust["own", 0.03 * 255].tolist() == [False] * 4 + [True] * 6


def test_logits_that_are_not_finite_are_wrong_and_counted(images: tuple[Tensor, Tensor]) -> None:
    class Bursting(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            mean = pixels.flatten(1).mean(1)
            return torch.stack([torch.zeros_like(mean), torch.where(mean > 0.56, torch.inf, 1.0)], 1)

    right, bad = classified(Bursting().eval(), *images)
    assert (int(right.sum()), bad) == (7, 3)


def test_logits_that_burst_under_attack_alone_are_counted(model: nn.Module, images: tuple[Tensor, Tensor]) -> None:
    class Bursting(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            logits: Tensor = model(pixels)
            return logits.where(pixels.flatten(1).mean(1, keepdim=True) > 0.48, torch.inf)

    found = battery.run(Bursting().eval(), *images, Battery("fgsm", (0.05 * 255,), QUICK), lambda step: None)
    assert int(found.correct.sum()) == 9
    assert found.nonfinite == 4  # 0.495, 0.505, 0.515 and 0.525, less 0.05


def inside(logits: Tensor) -> Tensor:
    """Takes a gradient within the forward pass, as a network does that defends itself while it is attacked."""
    with torch.enable_grad():
        probe = torch.zeros(1, requires_grad=True)
        torch.autograd.grad(probe.sum(), probe)
    return logits


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (torch.clone, ""),
        (lambda logits: torch.softmax(logits, 1), "probability distribution"),
        (lambda logits: logits + torch.randn_like(logits), "randomized defense"),
        (inside, "dynamic defense"),
    ],
    ids=["logits", "softmax", "noise", "gradients inside"],
)
def test_what_autoattack_says_against_the_network_reaches_the_check(
    model: nn.Module, images: tuple[Tensor, Tensor], after: Callable[[Tensor], Tensor], said: str
) -> None:
    pytest.importorskip("pyautoattack")

    class Wrapped(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return after(model(pixels))

    asked = Battery("autoattack", (2.0, 8.0), QUICK)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = battery.run(Wrapped().eval(), *images, asked, lambda step: None)
    assert set(found.stages) == set(asked.eps_255)
    check = health.warned(found)
    assert (check.passed, len(found.warnings)) == ((False, 1) if said else (True, 0))
    assert said in check.found


def test_settings_say_whether_it_is_standard() -> None:
    assert Battery("autoattack", (8.0,)).settings()["version"] == "standard"
    assert Battery("autoattack", (8.0,), QUICK).settings()["version"] == "reduced to 2 iterations"
    assert Battery("fgsm", (8.0,)).settings() == {"eps_255": (8.0,), "seed": 0}
    own = Battery("bim", (8.0,))
    assert own.names == ("fgsm", "pgd-20", "pgd-100x5", "bim")
    assert own.ordered == ("fgsm", "pgd-20", "pgd-100x5")
