"""Networks whose gradients mislead an attack are each caught by a named health check; an honest one passes them all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from frontier.nn.network import Classifier, build
from frontier.results.evaluation import Check
from frontier.trial import battery, health
from frontier.trial.battery import Battery, Effort, Outcome
from frontier.trial.examine import State, deterministic, gradients, untouched
from frontier.trial.source import Source

ROOT = Path(__file__).parents[2]
QUICK = Effort(steps=10, long_steps=20, restarts=2, attack_steps=5)
N = 100


@pytest.fixture(scope="module")
def images() -> tuple[Tensor, Tensor]:
    found = Source("digits", None).images("test", N)
    return torch.tensor(found.images) / 255, torch.tensor(found.labels)


@pytest.fixture(scope="module")
def honest() -> Classifier:
    """A small network, trained on the digits to more than 80 %."""
    data = Source("digits", None).dataset()
    pixels, labels = torch.tensor(data.train.images) / 255, torch.tensor(data.train.labels)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Classifier(build("tinynet", data.image, data.classes, options={"width": 8}), data.mean, data.std)
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


class Wrapped(nn.Module):
    """A network with something done to its pixels and its logits."""

    def __init__(self, model: nn.Module, before: object = None, after: object = None) -> None:
        super().__init__()
        self.model, self.before, self.after = model, before, after
        self.eval()

    def forward(self, pixels: Tensor) -> Tensor:
        logits = self.model(self.before(pixels) if self.before else pixels)
        return self.after(logits) if self.after else logits


def rounded(pixels: Tensor) -> Tensor:
    return (pixels * 4).round() / 4


def straight_through(pixels: Tensor) -> Tensor:
    return pixels + (rounded(pixels) - pixels).detach()


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
    found = checks(honest, images, "autoattack")
    assert {name: check.found for name, check in found.items() if check.passed is not True} == {}
    assert set(found) == set(health.CHECKS) - {"deployed"}


@pytest.mark.parametrize(
    ("masked", "caught"),
    [
        ({"after": lambda logits: logits * 1e4}, "gradients"),
        ({"before": straight_through}, "gradients"),
        ({"before": rounded}, "gradients"),
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


@pytest.mark.parametrize(("more", "passed"), [(3, True), (4, False)])
def test_a_stronger_attack_may_not_leave_more(more: int, passed: bool) -> None:
    made = outcome()
    made = replace(made, robust=made.robust | {("fgsm", 8.0): broken(100), ("pgd-20", 8.0): broken(100 - more)})
    passed_by_others = made.robust | {("pgd-100x5", 8.0): broken(100), ("autoattack", 8.0): broken(100)}
    check = health.order(replace(made, robust=passed_by_others))
    assert check.passed is passed
    assert f"eps 8: 900 {900 + more} 900 900 (together 900 900 900 900)" in check.found


@pytest.mark.parametrize(("more", "passed"), [(5, True), (6, False)])
def test_twice_the_iterations_may_not_move_much(more: int, passed: bool) -> None:
    made = outcome()
    made = replace(made, robust=made.robust | {("pgd-200x5", 4.0): broken(more)})
    assert health.converged(made).passed is passed


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
    ):
        assert (check.passed, check.found) == (None, why)


def test_an_evaluation_that_changes_the_network_is_seen(honest: Classifier) -> None:
    before = State.of(honest)
    assert untouched(before, honest).passed
    honest.train()
    assert "training flag" in untouched(before, honest).found
    honest.eval()
    parameter = next(iter(honest.parameters()))
    parameter.requires_grad_(False)
    assert "requires_grad" in untouched(before, honest).found
    parameter.requires_grad_(True)
    held = parameter.data.clone()
    parameter.data += 1
    assert untouched(before, honest).passed is False
    parameter.data = held
    assert untouched(before, honest).passed


def test_every_check_has_its_section_with_three_parts() -> None:
    text = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL))
    assert tuple(sections) == health.CHECKS
    for section in sections.values():
        assert re.findall(r"^\*\*(.+?)\*\*", section, flags=re.MULTILINE) == ["Raised if", "Why", "What to do"]
