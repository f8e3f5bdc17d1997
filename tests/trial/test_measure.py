"""Adversarial accuracy is of images that are right before and after, within the ball, by one seed for everybody."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from frontier import registry
from frontier.data._dataset import Split
from frontier.nn.network import Classifier, build
from frontier.results.spec import MeasureSpec
from frontier.training.context import Context
from frontier.trial.measure import adversarial, scores
from frontier.trial.source import Source

LEVELS = (120, 126, 131, 132, 135, 136)  # of grey images; the network is right on 128 and what is brighter
SPEC = MeasureSpec(
    corruptions=("contrast",),
    severities=(3,),
    validation_images=100,
    corrupted_images=50,
    attack="own",
    attack_eps_255=(4.0, 8.0),
    attack_images=50,
)


class Bright(nn.Module):
    """Label 1 where the mean is above half."""

    def forward(self, pixels: Tensor) -> Tensor:
        mean = pixels.flatten(1).mean(1)
        return torch.stack([0.5 - mean, mean - 0.5], 1)


class Own:
    """An attack that returns `fill` everywhere, and remembers the seeds that it was given."""

    def __init__(self, fill: float | None) -> None:
        self.fill, self.seeds = fill, list[int]()

    def run(self, model: nn.Module, pixels: Tensor, labels: Tensor, *, seed: int, **_: object) -> Tensor:
        self.seeds.append(seed)
        return pixels.clone() if self.fill is None else torch.full_like(pixels, self.fill)


def plug_in(attack: Own, monkeypatch: pytest.MonkeyPatch) -> Own:
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda axis, name: attack if name == "own" else load(axis, name))
    return attack


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(device=torch.device("cpu"), checkpoints=tmp_path)


@pytest.mark.parametrize(
    ("fill", "right"),
    [
        (None, [4, 4]),
        (0.0, [3, 1]),  # brought back to 4 and to 8 levels below each image
        (1.0, [4, 4]),  # 126 would be mended, and at 8 levels 120
        (float("nan"), [4, 4]),  # the image itself
        (float("-inf"), [3, 1]),
    ],
)
def test_an_image_withstands_if_it_is_right_before_and_after_within_the_ball(
    context: Context, monkeypatch: pytest.MonkeyPatch, fill: float | None, right: list[int]
) -> None:
    attack = plug_in(Own(fill), monkeypatch)
    pixels = np.array(LEVELS, dtype=np.uint8)[:, None, None, None].repeat(2, 2).repeat(2, 3)
    source = SimpleNamespace(images=lambda split, n: Split(pixels, np.ones(len(LEVELS), dtype=np.int64)))
    found = adversarial(Bright().eval(), source, "validation", SPEC, context)  # type: ignore[arg-type]
    assert list(found) == ["own/4", "own/8"]
    assert [(round(one.value * one.n), one.n) for one in found.values()] == [(count, 6) for count in right]
    assert attack.seeds == [0, 0]  # of all trials of all studies


def test_a_network_in_training_is_measured_in_evaluation_and_keeps_its_statistics(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(Own(None), monkeypatch)
    source = Source("digits", None)
    data = source.dataset()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Classifier(build("tinynet", data.image, data.classes), data.mean, data.std)
    with torch.no_grad():
        for norm in (model.body.bn1, model.body.bn2):
            norm.running_mean.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    expected = scores(model.eval(), source, "validation", SPEC, context)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert scores(model.train(), source, "validation", SPEC, context) == expected
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
