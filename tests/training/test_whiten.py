"""Whitening: the stem's outputs are uncorrelated over the training images, and it is not trained."""

import torch

from frontier.nn.network import Classifier, build
from frontier.training.batches import Images, to_unit
from frontier.training.whiten import whiten


def images() -> Images:
    dice = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.rand(200, 3, 8, 8, generator=dice), scale_factor=2, mode="bilinear")
    return Images((smooth * 255).to(torch.uint8), torch.zeros(200, dtype=torch.int64))


def test_the_stems_outputs_are_uncorrelated_and_come_in_opposite_pairs() -> None:
    model = Classifier(build("airnet", (3, 16, 16), 10, options={"stem_stride": 1}), (0.5,) * 3, (0.25,) * 3)
    whiten(model, images())
    stem = model.body.whiten
    assert isinstance(stem, torch.nn.Conv2d)
    half = len(stem.weight) // 2
    assert torch.equal(stem.weight[:half], -stem.weight[half:])
    assert not stem.weight.requires_grad
    with torch.no_grad():
        seen = stem(model.normalised(to_unit(images().pixels))).transpose(0, 1).flatten(1)[:half]
    covariance = seen @ seen.T / seen.shape[1]
    apart = covariance - covariance.diag().diag()
    assert float(apart.abs().max()) < 0.01
    assert float(covariance.diag().max()) < 1.01


def test_a_network_without_such_a_stem_is_left_alone() -> None:
    torch.manual_seed(0)
    model = Classifier(build("tinynet", (3, 16, 16), 10), (0.5,) * 3, (0.25,) * 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    whiten(model, images())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
