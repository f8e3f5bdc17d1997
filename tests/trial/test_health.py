"""Networks whose gradients mislead an attack are each caught by a named health check; an honest one passes them all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontier.nn.gates import FrozenGate
from frontier.nn.network import Classifier, build
from frontier.nn.sites import Site
from frontier.nn.surgery import gate
from frontier.results.evaluation import Check
from frontier.trial import battery, health
from frontier.trial.battery import Battery, Effort, Outcome
from frontier.trial.examine import State, deterministic, gradients, untouched
from frontier.trial.measure import classified
from frontier.trial.source import Source

ROOT = Path(__file__).parents[2]
QUICK = Effort(steps=10, long_steps=20, restarts=2, attack_steps=5)
N = 100
SQUARE = torch.tensor([0.1, 0.5, 0.25])[:, None]  # of x: 1, x, x^2
Change = Callable[[Tensor], Tensor]


@pytest.fixture(scope="module")
def images() -> tuple[Tensor, Tensor]:
    found = Source("digits", None).images("test", N)
    return torch.tensor(found.images) / 255, torch.tensor(found.labels)


def trained(share: float) -> Classifier:
    """A small network, trained on the digits to more than 80 %: a `share` of ReLUs, all others are squares."""
    data = Source("digits", None).dataset()
    pixels, labels = torch.tensor(data.train.images) / 255, torch.tensor(data.train.labels)

    def some(site: Site) -> FrozenGate:
        squares = SQUARE.repeat(1, site.shape[0]) if share < 1 else None
        return FrozenGate(torch.rand(site.shape) < share, squares)

    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = gate(build("tinynet", data.image, data.classes, options={"width": 8}), data.image, some)
        model = Classifier(body, data.mean, data.std)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(60):
            chosen = torch.randint(len(labels), (128,))
            loss = nn.functional.cross_entropy(model(pixels[chosen]), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    for parameter in model.parameters():
        parameter.grad = None
    return model.eval()


@pytest.fixture(scope="module")
def honest() -> Classifier:
    return trained(1.0)


class Wrapped(nn.Module):
    """A network with something done to its pixels and its logits."""

    def __init__(self, model: nn.Module, before: Change | None = None, after: Change | None = None) -> None:
        super().__init__()
        self.model, self.before, self.after = model, before, after
        self.eval()

    def forward(self, pixels: Tensor) -> Tensor:
        logits = self.model(self.before(pixels) if self.before else pixels)
        return self.after(logits) if self.after else logits


def rounded(levels: int) -> Change:
    return lambda pixels: (pixels * levels).round() / levels


def floored(levels: int) -> Change:
    return lambda pixels: (pixels * levels).floor() / levels


def straight_through(change: Change) -> Change:
    """`change` with the gradient of the identity."""
    return lambda pixels: pixels + (change(pixels) - pixels).detach()


class Misled(torch.autograd.Function):
    """The identity, whose gradient is handed on as `change` leaves it."""

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, change: Change) -> Tensor:
        ctx.change = change
        return pixels.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.change(gradient), None


def shuffled(gradient: Tensor) -> Tensor:
    order = torch.randperm(gradient[0].numel(), generator=torch.Generator().manual_seed(0))
    return gradient.flatten(1)[:, order].view_as(gradient)


def checks(model: nn.Module, images: tuple[Tensor, Tensor], attack: str = "pgd") -> dict[str, Check]:
    """All checks that need no record, by name."""
    before = State.of(model)
    outcome = battery.run(model, *images, Battery(attack, (4.0, 16.0), QUICK), lambda step: None)
    found = (
        *health.verdicts(outcome),
        gradients(model, *images, outcome.correct, outcome.nonfinite),
        deterministic(model, images[0]),
        untouched(before, model),
    )
    return {check.name: check for check in found}


def failed(found: dict[str, Check]) -> set[str]:
    return {name for name, check in found.items() if check.passed is False}


def test_an_honest_network_passes_every_check(honest: Classifier, images: tuple[Tensor, Tensor]) -> None:
    pytest.importorskip("pyautoattack")
    found = checks(honest, images, "autoattack")
    assert {name: check.found for name, check in found.items() if check.passed is not True} == {}
    assert set(found) == set(health.CHECKS) - {"deployed"}


def test_a_network_of_squares_passes_every_check(images: tuple[Tensor, Tensor]) -> None:
    model = trained(0.3)
    assert int(classified(model, *images)[0].sum()) > 0.8 * N
    assert failed(checks(model, images)) == set()


@pytest.mark.parametrize(
    ("masked", "caught"),
    [
        ({"after": lambda logits: logits * 1e4}, "gradients"),
        ({"before": straight_through(rounded(4))}, "gradients"),
        ({"before": rounded(4)}, "gradients"),
        ({"after": lambda logits: logits + torch.randn_like(logits)}, "deterministic"),
        ({"after": lambda logits: logits.where(logits < logits.amax(), torch.inf)}, "gradients"),
    ],
    ids=["logits x 1e4", "straight-through rounding", "rounding", "noise", "infinite logits"],
)
def test_a_network_that_hides_its_gradients_is_caught(
    honest: Classifier, images: tuple[Tensor, Tensor], masked: dict[str, object], caught: str
) -> None:
    assert caught in failed(checks(Wrapped(honest, **masked), images))


def test_scaled_logits_withstand_what_breaks_the_honest_network(
    honest: Classifier, images: tuple[Tensor, Tensor]
) -> None:
    scaled = checks(Wrapped(honest, after=lambda logits: logits * 1e4), images)
    assert "chance_at_half" in failed(scaled)


@pytest.mark.parametrize(
    "before",
    [
        *(straight_through(rounded(levels)) for levels in (4, 31, 63)),
        *(straight_through(floored(levels)) for levels in (255, 15)),
        *(floored(levels) for levels in (255, 15)),
        lambda pixels: Misled.apply(pixels, torch.neg),
        lambda pixels: Misled.apply(pixels, shuffled),
    ],
    ids=["4", "31", "63", "floor 255", "floor 15", "flat 255", "flat 15", "other sign", "shuffled"],
)
def test_a_gradient_that_is_not_the_slope_is_caught(
    honest: Classifier, images: tuple[Tensor, Tensor], before: Change
) -> None:
    model = Wrapped(honest, before)
    right, _ = classified(model, *images)
    assert int(right.sum()) > N // 2  # the network is as good as it was: it is the gradient that is wrong
    assert gradients(model, *images, right, 0).passed is False


def outcome(**fields: object) -> Outcome:
    """One of 1000 images, all right, under two eps; nothing breaks any of them but as `fields` say."""
    labels = torch.arange(1000) % 10
    asked = Battery("autoattack", (4.0, 8.0))
    all_right = torch.ones(1000, dtype=torch.bool)
    robust = {(name, eps): all_right for name in (*asked.names, asked.doubled) for eps in asked.eps_255}
    made = Outcome(asked, labels, all_right, robust, dict.fromkeys(asked.eps_255, all_right), {}, ~all_right, 0)
    return replace(made, **fields)


def broken(count: int) -> Tensor:
    return torch.arange(1000) >= count


@pytest.mark.parametrize(("rise", "passed"), [(3, True), (4, False)])
def test_a_larger_eps_may_not_help_more_than_three_images(rise: int, passed: bool) -> None:
    made = outcome()
    made = replace(made, robust=made.robust | {("pgd-20", 4.0): broken(rise)})
    assert health.monotone(made).passed is passed
    assert f"pgd-20: +{rise} of 1000 images from eps 4 to 8/255" in health.monotone(made).found


def rising(name: str, attack: str = "autoattack") -> Outcome:
    """Two more images withstand each larger eps of three under the attack `name`."""
    asked = Battery(attack, (2.0, 4.0, 8.0))
    robust = {(one, eps): broken(10) for one in asked.names for eps in asked.eps_255}
    robust |= {(name, 4.0): broken(8), (name, 8.0): broken(6)}
    return outcome(battery=asked, robust=robust)


def test_eps_are_compared_with_all_smaller_ones() -> None:
    check = health.monotone(rising("pgd-20"))
    assert "pgd-20: +4 of 1000 images from eps 2 to 8/255" in check.found
    assert check.passed is False


def test_one_step_overshoots_and_counts_only_where_it_is_all_there_is() -> None:
    assert health.monotone(rising("fgsm")).passed is True
    assert health.monotone(rising("fgsm", attack="fgsm")).passed is False


@pytest.mark.parametrize(("more", "passed"), [(3, True), (4, False)])
def test_a_stronger_attack_may_not_leave_more(more: int, passed: bool) -> None:
    made = outcome()
    made = replace(made, robust=made.robust | {("fgsm", 8.0): broken(100), ("pgd-20", 8.0): broken(100 - more)})
    passed_by_others = made.robust | {("pgd-100x5", 8.0): broken(100), ("autoattack", 8.0): broken(100)}
    check = health.order(replace(made, robust=passed_by_others))
    assert check.passed is passed
    assert f"eps 8: 900 {900 + more} 900 900 (together 900 900 900 900)" in check.found


@pytest.mark.parametrize(
    ("n", "more", "fewer", "passed"),
    [
        (1000, 5, 0, True),
        (1000, 6, 0, False),
        (1000, 0, 6, False),
        (1000, 5, 5, True),
        (1000, 10, 10, False),
        (100, 3, 0, True),
        (100, 4, 0, False),
        (600, 3, 0, True),
        (800, 4, 0, True),
    ],
)
def test_twice_the_iterations_may_not_move_much(n: int, more: int, fewer: int, passed: bool) -> None:
    """More are broken by twice the iterations, fewer are broken no longer."""
    made, image = outcome(), torch.arange(n)
    flags = {"pgd-100x5": image >= fewer, "pgd-200x5": image < n - more}
    robust = {(name, eps): flags.get(name, image >= 0) for name, eps in made.robust}
    check = health.converged(replace(made, labels=image % 10, robust=robust))
    assert f"moves at most {max(more, fewer)} of {n} images" in check.found
    assert check.passed is passed


def test_the_eps_at_which_it_moved_most_decides() -> None:
    made = outcome()
    for eps in made.battery.eps_255:
        moved = health.converged(replace(made, robust=made.robust | {("pgd-200x5", eps): broken(6)}))
        assert (moved.passed, f"(eps {eps:g}/255)" in moved.found) == (False, True)


@pytest.mark.parametrize(("right", "passed"), [(110, True), (111, False)])
def test_at_half_the_range_nothing_is_above_a_constant_answer(right: int, passed: bool) -> None:
    assert health.chance(outcome(at_half=torch.arange(1000) < right)).passed is passed


@pytest.mark.parametrize(
    ("n", "found_by_square", "passed"), [(1000, 3, True), (1000, 4, False), (10000, 20, True), (10000, 21, False)]
)
def test_square_may_not_find_what_gradients_did_not(n: int, found_by_square: int, passed: bool) -> None:
    flags = {name: torch.ones(n, dtype=torch.bool) for name in ("clean", "apgd-ce", "apgd-t", "fab-t")}
    flags["square"] = torch.arange(n) >= found_by_square
    made = outcome(stages={8.0: flags}, labels=torch.zeros(n, dtype=torch.int64))
    assert health.square(made).passed is passed


def test_what_cannot_apply_says_why() -> None:
    made = outcome()
    one = replace(made, battery=Battery("fgsm", (8.0,)))
    for check, why in (
        (health.monotone(one), "one eps alone: 8/255"),
        (health.order(one), "one attack alone: fgsm"),
        (health.converged(one), "fgsm has no iterations"),
        (health.square(one), "needs --attack autoattack"),
        (health.warned(one), "needs --attack autoattack"),
    ):
        assert (check.passed, check.found) == (None, why)


def test_autoattacks_warnings_fail_their_check() -> None:
    assert health.warned(outcome()).passed is True
    check = health.warned(outcome(warnings=("it is one", "it is another")))
    assert (check.passed, check.found) == (False, "it is one; it is another")


def test_every_check_has_its_section_with_three_parts() -> None:
    text = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL))
    assert tuple(sections) == health.CHECKS
    for section in sections.values():
        assert re.findall(r"^\*\*(.+?)\*\*", section, flags=re.MULTILINE) == ["Raised if", "Why", "What to do"]
