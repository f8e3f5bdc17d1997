"""The checks that run or read the network itself, each on a network of which one thing alone is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from frontier.nn.branches import branched
from frontier.nn.gates import FrozenGate
from frontier.nn.network import Classifier, build
from frontier.nn.profile import profile
from frontier.nn.sites import Site
from frontier.nn.surgery import gate, mask_of
from frontier.results.evaluation import Check
from frontier.results.measure import Measure
from frontier.results.record import MaskFile, Point, ReluCount, Scores
from frontier.results.spec import TrialSpec
from frontier.trial.bundle import save_weights
from frontier.trial.examine import State, deployed, deterministic, gradients, untouched
from frontier.trial.measure import classified
from frontier.trial.source import Source

N = 300  # images, more than one batch; something is done to the last few of them alone
SQUARE = torch.tensor([0.1, 0.5, 0.25])[:, None]  # of x: 1, x, x^2
Change = Callable[[Tensor], Tensor]


class Line(nn.Module):
    """Two logits: the sum of the pixels, and 0. `before` is done to all images, `changes[k - 1]` to those of mark k."""

    def __init__(self, *changes: Change, before: Change = torch.clone) -> None:
        super().__init__()
        self.changes, self.before = changes, before
        self.eval()

    def forward(self, pixels: Tensor) -> Tensor:
        pixels = self.before(pixels)
        values, marks = pixels[:, :1], pixels[:, 1:].flatten(1).amax(1)
        total = values.flatten(1).sum(1)
        for mark, change in enumerate(self.changes, 1):
            total[marks == mark] = change(values[marks == mark]).flatten(1).sum(1)
        return torch.stack([total, torch.zeros_like(total)], 1)


def marked(*counts: int) -> Tensor:
    """Images, (300, 2, 2, 2): pixels of 0.1, 0.2, ... in the first channel, marks in the second."""
    dice = torch.Generator().manual_seed(0)
    values = torch.randint(1, 10, (N, 1, 2, 2), generator=dice).double() / 10
    marks = torch.zeros(N).double()
    end = N
    for mark, count in enumerate(counts, 1):
        marks[end - count : end] = mark
        end -= count
    return torch.cat([values, marks[:, None, None, None].expand_as(values)], 1)


def looked_at(
    changes: Sequence[Change], counts: Sequence[int], *, correct: Tensor | None = None, nonfinite: int = 0
) -> Check:
    labels, everyone = torch.zeros(N, dtype=torch.int64), torch.ones(N, dtype=torch.bool)
    right = everyone if correct is None else correct
    return gradients(Line(*changes), marked(*counts), labels, right, nonfinite)


def rounded(pixels: Tensor) -> Tensor:
    """To tenths, with a gradient that is made up."""
    return pixels + ((pixels * 10).round() / 10 - pixels).detach()


def scaled(factor: float) -> Change:
    """The pixels, with a gradient `factor` times too large."""
    return lambda pixels: factor * pixels + (pixels - factor * pixels).detach()


def near(reach: float) -> Change:
    """Pixels that follow theirs only as far as `reach` from the nearest tenth."""

    def limited(pixels: Tensor) -> Tensor:
        tenths = (pixels.detach() * 10).round() / 10
        return tenths + (pixels - tenths).clamp(-reach, reach)

    return limited


@pytest.mark.parametrize(
    ("zero", "astray", "passed"),
    [(3, 0, True), (4, 0, False), (0, 3, True), (0, 4, False), (2, 1, True), (2, 2, False)],
)
def test_one_in_a_hundred_gradients_may_say_nothing(zero: int, astray: int, passed: bool) -> None:
    check = looked_at((torch.detach, rounded), (zero, astray))
    assert f"of 300 correct images {zero} have a zero gradient, {astray} one that the margin does not" in check.found
    assert check.passed is passed


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: pixels + (0 * pixels).sqrt(),
        lambda pixels: pixels + (pixels - pixels.detach()).sqrt(),
    ],
    ids=["NaN", "infinite"],
)
def test_one_gradient_that_is_not_finite_is_enough(change: Change) -> None:
    check = looked_at([change], [1])
    assert "1 one that is NaN or infinite; logits were NaN or infinite 0 times" in check.found
    assert check.passed is False


def test_one_logit_that_was_not_finite_is_enough() -> None:
    assert looked_at([], []).passed is True
    assert looked_at([], [], nonfinite=1).passed is False


def test_only_images_that_are_classified_right_count() -> None:
    wrong = marked(100)[:, 1, 0, 0] == 1
    for zero, passed in ((0, True), (2, True), (3, False)):  # of those that are right
        check = looked_at([torch.detach, torch.detach], [100, zero], correct=~wrong)
        assert check.found.startswith(f"of 200 correct images {zero} have a zero gradient")
        assert check.passed is passed
    assert looked_at([torch.detach], [100], correct=wrong).passed is False
    assert looked_at([], [], correct=torch.zeros(N, dtype=torch.bool)).passed is None


@pytest.mark.parametrize(("gained", "passed"), [(0.48, False), (0.52, True), (1.95, True), (2.05, False), (-1, False)])
def test_the_margin_gains_between_half_and_twice_of_what_the_gradient_says(gained: float, passed: bool) -> None:
    assert looked_at([scaled(1 / gained)], [N]).passed is passed


@pytest.mark.parametrize(("reach", "passed"), [(0.45e-4, False), (0.55e-4, True)])
def test_the_margin_is_looked_at_over_a_step_of_a_ten_thousandth(reach: float, passed: bool) -> None:
    assert looked_at([near(reach)], [N]).passed is passed


@pytest.mark.parametrize("side", [1, -1])
def test_the_margin_is_looked_at_on_both_sides(side: int) -> None:
    """A bend right at the image: a fifth of the slope on one side, the whole of it on the other."""
    check = looked_at([lambda pixels: pixels - side * 0.8 * (side * (pixels - rounded(pixels.detach()))).relu()], [N])
    assert "0 have a zero gradient, 0 one that the margin does not follow" in check.found


def test_a_class_that_is_far_behind_need_not_follow_its_gradient() -> None:
    class Three(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            own, other = Line()(pixels).unbind(1)
            return torch.stack([own, rounded(other + pixels.flatten(1).sum(1)) - 1000, other], 1)

    labels, everyone = torch.zeros(N, dtype=torch.int64), torch.ones(N, dtype=torch.bool)
    assert gradients(Three().eval(), marked(), labels, everyone, 0).passed is True


def test_logits_that_are_lost_a_step_away_are_astray() -> None:
    check = looked_at([lambda pixels: pixels.where((pixels - rounded(pixels)).abs() < 1e-5, torch.nan)], [4])
    assert "0 have a zero gradient, 4 one that the margin does not follow" in check.found
    assert check.passed is False


def test_noise_below_rounding_on_the_last_images_is_caught() -> None:
    assert deterministic(Line(torch.clone), marked(4)).passed is True
    check = deterministic(Line(lambda pixels: pixels + 1e-9 * torch.rand_like(pixels)), marked(4))
    assert check.found == "of 300 images two forwards differ on 4, and other images in the batch change 0"
    assert check.passed is False


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm2d(2, affine=False, track_running_stats=False).eval(),
        lambda pixels: nn.functional.batch_norm(pixels, None, None, training=True),
    ],
    ids=["module", "function"],
)
def test_norms_that_take_the_statistics_of_the_batch_are_caught(norm: Change) -> None:
    check = deterministic(Line(before=norm), marked())
    assert "two forwards differ on 0, and" in check.found
    assert check.passed is False


@pytest.mark.parametrize(("sway", "passed"), [(0.9e-3, True), (1.1e-3, False)])
def test_a_thousandth_of_the_largest_logit_may_be_rounding(sway: float, passed: bool) -> None:
    swayed = Line(before=lambda pixels: pixels * (1 + sway * (len(pixels) > 60)))
    assert deterministic(swayed, marked()[:100]).passed is passed


def test_an_image_of_small_logits_is_compared_with_its_own() -> None:
    small = Line(lambda pixels: 1e-6 * pixels * (1 + 0.01 * (len(pixels) > 55)))
    assert deterministic(small, marked(60)[-100:]).found.endswith("other images in the batch change 60")


def tinynet() -> Classifier:
    """Untrained; of each site's positions about half are ReLUs, the others squares."""
    data = Source("digits", None).dataset()

    def half(site: Site) -> FrozenGate:
        return FrozenGate(torch.rand(site.shape) < 0.5, SQUARE.repeat(1, site.shape[0]))

    with torch.random.fork_rng():
        torch.manual_seed(2)
        body = gate(build("tinynet", data.image, data.classes), data.image, half)
    model = Classifier(body, data.mean, data.std)
    nn.init.zeros_(model.body.head.bias)
    with torch.no_grad():  # norms with statistics, so that it does not say the same of all images
        for _ in range(20):
            model(torch.tensor(data.train.images[:200]) / 255)
    return model.eval()


def test_an_evaluation_that_changes_the_network_is_seen() -> None:
    model = tinynet()
    before = State.of(model)
    assert untouched(before, model).passed
    model.train()
    assert "training flag" in untouched(before, model).found
    model.eval()
    parameter = next(iter(model.parameters()))
    parameter.requires_grad_(False)
    assert "requires_grad" in untouched(before, model).found
    parameter.requires_grad_(True)
    assert untouched(before, model).passed


@pytest.mark.parametrize(
    "name", ["body.conv1.weight", "body.bn1.running_mean", "body.bn2.num_batches_tracked", "body.relu1.kept", "std"]
)
def test_one_number_that_an_evaluation_changes_is_seen(name: str) -> None:
    model = tinynet()
    before = State.of(model)
    held = model.state_dict()[name].view(-1)
    held[-1] = 1 - held[-1].to(torch.float32)
    check = untouched(before, model)
    assert (check.passed, check.found) == (False, f"changed: {name}")


class Recorded:
    """A network with a square at some positions, and the files and the record of it, as a trial would leave them."""

    def __init__(self, spec: TrialSpec, folder: Path) -> None:
        measured = spec.measure.model_copy(update={"validation_images": 200})
        self.spec, self.model = spec.model_copy(update={"measure": measured}), tinynet()
        self.source, self.weights = Source("digits", None), folder / "weights.safetensors"
        save_weights(self.model, self.weights)
        self.right = {split: self.count(split) for split in ("validation", "test")}
        counted, mask = profile(self.model.body, self.source.dataset().image), mask_of(self.model.body)
        measure = Measure.of(self.right["validation"] / 200, 200)
        scores = Scores(clean=measure, corrupted=measure, adversarial=measure)
        self.point = Point(
            relu_budget=counted.kept,
            relu_count=counted.kept,
            counts=ReluCount(full=counted.kept, inner=counted.kept),
            validation=scores,
            test=scores,
            profile=counted,
            mask=MaskFile(file="mask.safetensors", hash=mask.hash),
            weights=self.weights.name,
        )

    def count(self, split: str) -> int:
        """How many of 200 images are classified right."""
        chosen = self.source.images(split, 200)
        return int(classified(self.model, torch.tensor(chosen.images) / 255, torch.tensor(chosen.labels))[0].sum())

    def clean(self, *, right: int = 0, n: int = 0) -> None:
        """Let the record say that so many images more are right, of so many more."""
        was = self.point.validation.clean
        now = Measure.of((round(was.value * was.n) + right) / (was.n + n), was.n + n)
        self.point = self.point.model_copy(
            update={"validation": self.point.validation.model_copy(update={"clean": now})}
        )

    def check(self) -> Check:
        return deployed(self.model, self.spec, self.point, self.source, self.weights)


@pytest.fixture
def recorded(spec: TrialSpec, tmp_path: Path) -> Recorded:
    return Recorded(spec, tmp_path)


def only(check: Check, said: str) -> bool:
    """Whether `said` begins the one thing that it found to be wrong."""
    return check.passed is False and check.found.startswith(said) and "; " not in check.found


def test_the_network_of_the_record_is_the_deployed_one(recorded: Recorded) -> None:
    check = recorded.check()
    assert check.passed is True
    assert abs(recorded.right["validation"] - recorded.right["test"]) > 3  # so that it matters of which it is
    assert f"polynomials at 2 sites, {recorded.right['validation']} of 200 validation images right" in check.found


@pytest.mark.parametrize("name", ["body.relu2.coefficients", "body.bn1.running_var", "body.head.bias", "mean"])
def test_one_other_weight_surrogate_or_statistic_is_seen(recorded: Recorded, name: str) -> None:
    held = load_file(recorded.weights)
    held[name].view(-1)[-1] += 1e-5
    save_file(held, recorded.weights)
    assert only(recorded.check(), f"its {name} are not those of weights.safetensors")


def test_a_second_norm_branch_is_seen(recorded: Recorded) -> None:
    recorded.model = branched(recorded.model, ("clean", "attacked"))
    save_weights(recorded.model, recorded.weights)
    assert only(recorded.check(), "it has several norm branches")


def test_another_mask_is_seen(recorded: Recorded) -> None:
    other = recorded.point.mask.model_copy(update={"hash": "0" * 64})
    recorded.point = recorded.point.model_copy(update={"mask": other})
    assert only(recorded.check(), "its mask is ")


@pytest.mark.parametrize("change", [1, -1])
def test_one_more_or_less_relu_is_seen(recorded: Recorded, change: int) -> None:
    recorded.point = recorded.point.model_copy(update={"relu_count": recorded.point.relu_count + change})
    assert only(recorded.check(), "it evaluates ")


@pytest.mark.parametrize("field", ["kept", "squares"])
def test_relus_or_squares_at_another_site_are_seen(recorded: Recorded, field: str) -> None:
    first, second = recorded.point.profile.sites
    moved = (
        first.model_copy(update={field: getattr(first, field) + 1}),
        second.model_copy(update={field: getattr(second, field) - 1}),
    )
    counted = recorded.point.profile.model_copy(update={"sites": moved})
    recorded.point = recorded.point.model_copy(update={"profile": counted})
    assert only(recorded.check(), "its ReLUs or squares by site are not the record's")


@pytest.mark.parametrize(("right", "passed"), [(3, True), (-3, True), (4, False), (-4, False)])
def test_three_validation_images_may_be_rounding(recorded: Recorded, right: int, passed: bool) -> None:
    recorded.clean(right=right)
    assert recorded.check().passed is passed
    assert passed or only(recorded.check(), "it is right on ")


def test_an_accuracy_on_another_number_of_validation_images_is_seen(recorded: Recorded) -> None:
    recorded.clean(n=1)
    assert only(recorded.check(), "it is right on ")
