"""AutoAttack is the package's standard evaluation, stage by stage, and leaves no trace of having run (A1, A3)."""

import itertools
import logging
import sys
from pathlib import Path

import pyautoattack
import pytest
import torch
from pyautoattack.autopgd_base import APGDAttack
from torch import Tensor, nn

from frontier.attacks import _canonical, autoattack, fgsm, pgd
from frontier.errors import BlockedError

EPS = 16 / 255
Trained = tuple[nn.Module, Tensor, Tensor]


def _right(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(dim=1) == labels


def _quiet() -> logging.Logger:
    return _canonical.logger(lambda line: None)


def _reduced(package: pyautoattack.AutoAttack, steps: int) -> pyautoattack.AutoAttack:
    """The package's own evaluation with fewer iterations."""
    fewer = APGDAttack(package.model, n_iter=steps, eps=package.epsilon)
    for climber in (package.apgd, package.apgd_targeted):
        climber.n_iter = climber.n_iter_orig = steps
        climber.n_iter_2, climber.n_iter_min, climber.size_decr = fewer.n_iter_2, fewer.n_iter_min, fewer.size_decr
    package.fab.n_iter, package.square.n_queries = steps, 50 * steps
    return package


@pytest.mark.parametrize("batch", [250, 13])
def test_is_the_packages_own_standard_evaluation(single: Trained, batch: int) -> None:
    model, images, labels = single
    package = _reduced(pyautoattack.AutoAttack(model, eps=EPS, version="standard", seed=5), 6)
    with torch.random.fork_rng():
        expected, _ = package.run_standard_evaluation(images, labels, batch_size=batch)
    outcome = autoattack.attack(model, images, labels, eps=EPS, steps=6, seed=5, batch=batch)
    assert torch.equal(outcome.robust["square"], _right(model, expected, labels))
    assert (outcome.adversarial - expected).abs().max() < 1e-6
    assert 5 < outcome.robust["square"].sum() < outcome.robust["clean"].sum() - 5


def test_100_steps_have_the_settings_of_the_packages_standard_version(single: Trained) -> None:
    package = pyautoattack.AutoAttack(single[0], eps=EPS, version="standard", seed=5)
    package.apgd.loss, package.fab.targeted = "ce", True  # as its evaluation sets them before each stage
    theirs = dict(
        zip(package.attacks_to_run, (package.apgd, package.apgd_targeted, package.fab, package.square), strict=True)
    )
    ours = _canonical.standard(
        single[0], classes=10, eps=EPS, steps=100, seed=5, device=torch.device("cpu"), logger=_quiet()
    )
    assert list(ours) == list(theirs)
    for name, stage in theirs.items():
        settings = [{**vars(one), "logger": None, "device": None} for one in (ours[name], stage)]
        assert settings[0] == settings[1]


def test_stages_come_in_order_and_each_leaves_fewer(single: Trained) -> None:
    model, images, labels = single
    outcome = autoattack.attack(model, images, labels, eps=EPS, steps=5, seed=0)
    assert list(outcome.robust) == ["clean", "apgd-ce", "apgd-t", "fab-t", "square"]
    assert torch.equal(outcome.robust["clean"], _right(model, images, labels))
    for before, after in itertools.pairwise(outcome.robust.values()):
        assert not (after & ~before).any()
    last = outcome.robust["square"]
    assert torch.equal(_right(model, outcome.adversarial, labels), last)
    assert torch.equal(outcome.adversarial[last], images[last])
    assert torch.equal(autoattack.run(model, images, labels, eps=EPS, steps=5, seed=0), outcome.adversarial)


def test_eps_0_leaves_every_stage_as_the_images_are(single: Trained) -> None:
    outcome = autoattack.attack(*single, eps=0, steps=5, seed=0)
    assert len(outcome.robust) == 5
    assert all(torch.equal(flags, outcome.robust["clean"]) for flags in outcome.robust.values())


@pytest.mark.parametrize(
    ("classes", "stages"),
    [
        (2, ["clean", "apgd-ce", "fab-t", "square"]),
        (3, ["clean", "apgd-ce", "fab-t", "square"]),
        (4, ["clean", "apgd-ce", "apgd-t", "fab-t", "square"]),
    ],
)
def test_fewer_classes_have_fewer_targets_and_below_four_no_targeted_dlr(classes: int, stages: list[str]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, classes)).eval()
    images = torch.rand(20, 1, 4, 4)
    labels = model(images).argmax(dim=1)
    outcome = autoattack.attack(model, images, labels, eps=0.4, steps=4, seed=0)
    assert list(outcome.robust) == stages
    assert outcome.robust["clean"].all()
    assert outcome.robust["square"].sum() < 20
    made = _canonical.standard(model, classes=classes, eps=0.1, steps=4, seed=0, device=images.device, logger=_quiet())
    assert all(getattr(made[name], "n_target_classes", classes - 1) == classes - 1 for name in stages[1:])


def test_one_image_and_none(single: Trained) -> None:
    model, images, labels = single
    for count in (0, 1):
        outcome = autoattack.attack(model, images[:count], labels[:count], eps=EPS, steps=2, seed=0)
        assert outcome.adversarial.shape == images[:count].shape
        assert all(len(flags) == count for flags in outcome.robust.values())


def test_float64_images_and_network_are_attacked(trained: Trained) -> None:
    model, images, labels = trained
    outcome = autoattack.attack(model, images[:20], labels[:20], eps=EPS, steps=2, seed=0)
    assert outcome.adversarial.dtype == torch.float64
    assert (outcome.adversarial - images[:20]).abs().max() <= EPS + 1e-12
    assert outcome.robust["square"].sum() < outcome.robust["clean"].sum()


def test_leaves_no_file_no_line_no_trace_function_and_no_seed(
    single: Trained,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    before, tracing = torch.get_rng_state(), sys.gettrace()
    known = set(logging.root.manager.loggerDict)

    def watch(*_: object) -> None:
        """Stands for a debugger."""

    sys.settrace(watch)
    try:
        autoattack.run(*single, eps=EPS, steps=2, seed=0)
        assert sys.gettrace() is watch
    finally:
        sys.settrace(tracing)
    assert torch.equal(torch.get_rng_state(), before)
    assert not list(tmp_path.iterdir())
    assert not any(capfd.readouterr())
    assert not caplog.records
    assert set(logging.root.manager.loggerDict) == known


def test_tells_each_stage_and_the_packages_warnings(single: Trained) -> None:
    class Noisy(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            logits: Tensor = single[0](pixels)
            return logits + 0.1 * torch.rand_like(logits)

    class Flat(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            logits: Tensor = single[0](pixels)
            return torch.softmax(logits.round() + 0 * logits, dim=1)

    lines: dict[str, list[str]] = {"plain": [], "noisy": [], "flat": []}
    for name, model in (("plain", single[0]), ("noisy", Noisy().eval()), ("flat", Flat().eval())):
        autoattack.attack(model, *single[1:], eps=EPS, steps=1, seed=0, log=lines[name].append)
    assert [line.split(":")[0] for line in lines["plain"]] == ["apgd-ce", "apgd-t", "fab-t", "square"]
    assert any("randomized defense" in line for line in lines["noisy"])
    assert any("probability distribution" in line for line in lines["flat"])
    assert any("zero gradient" in line for line in lines["flat"])
    assert not any("flags_doc" in line for told in lines.values() for line in told)


def test_what_the_package_returns_is_brought_back_into_the_ball(
    single: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cheat(self: object, images: Tensor, labels: Tensor) -> Tensor:
        return torch.cat([torch.full_like(images[:1], float("nan")), images[1:] + 9.0])

    monkeypatch.setattr(APGDAttack, "perturb", cheat)
    adversarial = autoattack.run(*single, eps=EPS, steps=1, seed=0)
    assert (adversarial - single[1]).abs().max() <= EPS + 1e-6
    assert adversarial.isfinite().all()
    assert adversarial.max() <= 1


@pytest.mark.parametrize("logit", [float("inf"), float("nan")])
@pytest.mark.parametrize("eps", [0, EPS])
def test_an_image_with_a_logit_that_is_not_finite_is_not_classified_right(
    single: Trained, eps: float, logit: float
) -> None:
    model, images, labels = single

    class Bursting(nn.Module):
        """Says the label, by a logit that no other can reach, of every image that is brighter than the median."""

        def forward(self, pixels: Tensor) -> Tensor:
            logits: Tensor = model(pixels)
            return logits.masked_fill(burst(pixels)[:, None] & (logits == logits.amax(1, keepdim=True)), logit)

    def burst(pixels: Tensor) -> Tensor:
        return pixels.mean(dim=(1, 2, 3)) > images.mean(dim=(1, 2, 3)).median()

    bursting = Bursting().eval()
    assert _right(bursting, images, labels)[burst(images)].sum() > 20  # to argmax the logit is the largest
    outcome = autoattack.attack(bursting, images, labels, eps=eps, steps=1, seed=0)
    assert torch.equal(outcome.robust["clean"], _right(model, images, labels) & ~burst(images))
    assert not (outcome.robust["square"] & burst(outcome.adversarial)).any()


def test_a_missing_package_is_named_with_its_cure(single: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyautoattack.autopgd_base", None)
    with pytest.raises(BlockedError, match=r"relu-frontier\[attacks\].*pip install pyautoattack==0\.2\.0"):
        autoattack.run(*single, eps=EPS, steps=1, seed=0)


def test_passes_is_a_bound_that_a_network_which_cannot_be_fooled_nearly_reaches() -> None:
    class Stubborn(nn.Module):
        """Always class 0, with gradients."""

        def __init__(self) -> None:
            super().__init__()
            self.passes = 0

        def forward(self, pixels: Tensor) -> Tensor:
            self.passes += len(pixels) * (3 if pixels.requires_grad else 1)
            slopes = torch.linspace(0.0, 1.0, 10) + torch.zeros(len(pixels), 1)
            return slopes * pixels.mean(dim=(1, 2, 3))[:, None] + 100.0 * torch.eye(10)[0]

    model = Stubborn().eval()
    images, labels = torch.rand(3, 1, 4, 4), torch.zeros(3, dtype=torch.long)
    outcome = autoattack.attack(model, images, labels, eps=0.1, steps=4, seed=0)
    assert outcome.robust["square"].all()
    assert 0.97 * autoattack.passes(4) <= model.passes / 3 <= autoattack.passes(4)


def test_the_step_size_of_100_iterations_may_change_after_22_41_57_and_so_on(
    single: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = []
    asked = APGDAttack.check_oscillation

    def record(self: APGDAttack, losses: Tensor, at: int, *rest: object, **named: object) -> Tensor:
        checkpoints.append(at + 1)
        return asked(self, losses, at, *rest, **named)

    monkeypatch.setattr(APGDAttack, "check_oscillation", record)
    model, images, labels = single
    stages = _canonical.standard(model, classes=10, eps=EPS, steps=100, seed=0, device=images.device, logger=_quiet())
    with torch.random.fork_rng(), torch.no_grad():
        stages["apgd-ce"].perturb(images, labels)
    assert checkpoints == [22, 41, 57, 70, 80, 87, 93, 99]


def test_a_stronger_attack_leaves_fewer_images(single: Trained) -> None:
    model, images, labels = single
    left = [
        _right(model, found, labels)
        for found in (
            fgsm.run(model, images, labels, eps=EPS),
            pgd.run(model, images, labels, eps=EPS, steps=20, seed=0),
            pgd.run(model, images, labels, eps=EPS, steps=100, seed=0, restarts=5),
            autoattack.run(model, images, labels, eps=EPS, seed=0),
        )
    ]
    counts = [int(flags.sum()) for flags in left]
    assert 5 < counts[-1] < 55
    assert all(after <= before + 2 for before, after in itertools.pairwise(counts))
