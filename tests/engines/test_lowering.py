"""A plan in float64 is the exported network, for every backbone; what is not known is refused with its place."""

from __future__ import annotations

import math

import pytest
import torch
from bundles import linearized
from torch import Tensor, nn

from frontier import registry
from frontier.engines._lower import lower
from frontier.engines._plan import Product, Scale, in_clear
from frontier.errors import InputError
from frontier.nn.counter import count_relus
from frontier.nn.network import build

IMAGE = (3, 16, 16)
SURROGATES = ("identity", "degree0", "degree1", "degree2")


def images(image: tuple[int, int, int]) -> Tensor:
    return torch.randn((2, *image), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("name", registry.names("backbone"))
def test_the_plan_of_every_backbone_gives_its_logits(name: str) -> None:
    options = {"width": 8} if "width" in getattr(registry.load("backbone", name), "WIDTHS", ()) else {}
    torch.manual_seed(0)
    body = linearized(build(name, IMAGE, 10, options=options), IMAGE)
    plan = lower(body, IMAGE)
    expected = body.double()(images(IMAGE))
    for image, logits in zip(images(IMAGE), expected, strict=True):
        torch.testing.assert_close(in_clear(plan, image), logits, rtol=1e-9, atol=1e-9)
    counted = count_relus(body, IMAGE)
    assert [(g.path, *counts) for g, counts in zip(plan.gates, plan.counts, strict=True)] == [
        (site.path, site.kept, site.squares) for site in counted
    ]


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_the_plan_has_the_surrogates(surrogate: str) -> None:
    body = linearized(build("tinynet", (1, 8, 8), 10), (1, 8, 8), surrogate)
    plan = lower(body, (1, 8, 8))
    (pixels, _) = images((1, 8, 8))
    torch.testing.assert_close(in_clear(plan, pixels), body.double()(pixels[None])[0], rtol=1e-9, atol=1e-9)
    kept = sum(len(gate.relus) for gate in plan.gates)
    squares = sum(len(gate.squares) for gate in plan.gates)
    affine = sum(len(gate.affine) for gate in plan.gates)
    assert (squares > 0, affine > 0) == (surrogate == "degree2", surrogate != "identity")
    assert kept + squares + affine <= sum(math.prod(plan.shapes[gate.source]) for gate in plan.gates)


def test_a_batch_norm_is_folded_into_the_convolution_before_it() -> None:
    plan = lower(linearized(build("resnet9", IMAGE, 10, options={"width": 4}), IMAGE), IMAGE)
    assert not [step for step in plan.steps if isinstance(step, Scale)]
    assert len([step for step in plan.steps if isinstance(step, Product)]) == 13


class Wide(nn.Module):
    """What no backbone has but `pkg.module:factory` may: groups, dilation, padding, functional calls, sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding="same", groups=3)
        self.other = nn.Conv2d(6, 6, (3, 1), stride=(1, 2), padding=(2, 0), dilation=2, bias=False)
        self.norm = nn.BatchNorm2d(6, affine=True)
        self.flat = nn.Linear(24, 12)
        self.norm1 = nn.BatchNorm1d(12)
        self.act = nn.ReLU()
        self.out = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu(self.conv(x))
        x = x + self.norm(x)
        x = nn.functional.avg_pool2d(self.other(x), 3, stride=2, padding=1)
        x = nn.functional.adaptive_avg_pool2d(x, (2, 2))
        x = self.act(self.norm1(self.flat(x.view(x.size(0), -1))))
        return self.out(x)


class Mean(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.out = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.relu(self.conv(x)).mean((2, 3)))


@pytest.mark.parametrize("network", [Wide, Mean])
def test_functional_calls_groups_and_windows_are_followed(network: type[nn.Module]) -> None:
    torch.manual_seed(0)
    body = linearized(network(), IMAGE)
    plan = lower(body, IMAGE)
    (pixels, _) = images(IMAGE)
    torch.testing.assert_close(in_clear(plan, pixels), body.double()(pixels[None])[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (nn.MaxPool2d(2), "MaxPool2d"),
        (nn.ConvTranspose2d(3, 3, 2), "ConvTranspose2d"),
        (nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), "padding_mode 'reflect'"),
        (nn.AdaptiveAvgPool2d(3), "adaptive pooling of 16x16 to 3x3"),
        (nn.AvgPool2d(3, ceil_mode=True), "windows of several sizes"),
        (nn.PixelShuffle(1), "PixelShuffle"),
        (nn.Softmax(1), "Softmax"),
    ],
)
def test_what_is_not_known_is_refused_with_its_place(layer: nn.Module, says: str) -> None:
    with pytest.raises(InputError, match="cannot be lowered") as refused:
        lower(nn.Sequential(nn.Identity(), layer, nn.Flatten()).eval(), IMAGE)
    assert refused.value.where == "1"
    assert says in str(refused.value)
    assert "expected: convolutions" in str(refused.value)


def test_plans_of_other_weights_or_masks_have_other_hashes() -> None:
    body = build("tinynet", (1, 8, 8), 10)
    one = lower(linearized(body, (1, 8, 8)), (1, 8, 8))
    same = lower(linearized(body, (1, 8, 8)), (1, 8, 8))
    fewer = lower(linearized(body, (1, 8, 8), share=0.2), (1, 8, 8))
    assert one.hash == same.hash != fewer.hash
