"""Half width: the leading channels of one set of weights, with norms of its own."""

import pytest
import torch
from torch import nn

from frontier import registry
from frontier.errors import InputError
from frontier.masks.mask import Mask
from frontier.nn.gates import FrozenGate
from frontier.nn.network import build
from frontier.nn.sites import sites_of
from frontier.nn.surgery import gate, gates, mask_of, set_mask
from frontier.nn.widths import Sliced, freeze_as, halved, leading, settle, shared, widths_of

IMAGE = (3, 16, 16)
SCALED = [name for name in registry.names("backbone") if hasattr(registry.load("backbone", name), "WIDTHS")]


def pair(name):
    torch.manual_seed(0)
    widths = dict.fromkeys(widths_of(name, {}), 4)
    models = [build(name, IMAGE, 10, options=options) for options in (widths, halved(widths))]
    return [gate(model, IMAGE, FrozenGate.at).train() for model in models]


def test_widths_are_the_options_or_their_defaults():
    assert widths_of("airnet", {"width2": 10, "stem_stride": 4}) == {"width1": 32, "width2": 10, "width3": 128}
    assert widths_of("wrn22_8", {}) == {}
    assert widths_of("outside:build", {}) == {}


@pytest.mark.parametrize("widths", [{}, {"width": 3}])
def test_a_network_without_a_half_width_is_refused(widths):
    with pytest.raises(InputError, match="has no half width"):
        halved(widths)


def test_widths_that_are_no_options_are_refused(monkeypatch):
    monkeypatch.setattr(registry.load("backbone", "tinynet"), "WIDTHS", ("breadth",))
    with pytest.raises(InputError, match="WIDTHS"):
        widths_of("tinynet", {})


@pytest.mark.parametrize("name", SCALED)
def test_every_declared_width_gives_leading_channels(name):
    wide, narrow = pair(name)
    places = shared(narrow, wide)
    norms = {n for n, m in narrow.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert {n for n, _ in narrow.named_parameters()} - set(places) == {
        f"{n}.{p}" for n in norms for p in ("weight", "bias")
    }
    assert any(wide.get_parameter(n).shape != narrow.get_parameter(n).shape for n in places)


@pytest.mark.parametrize("name", SCALED)
def test_gradients_reach_the_wide_weights_and_the_narrow_norms(name):
    wide, narrow = pair(name)
    Sliced(narrow, wide)(torch.rand(4, *IMAGE)).square().sum().backward()
    for path, place in shared(narrow, wide).items():
        gradient = wide.get_parameter(path).grad
        if wide.get_parameter(path).requires_grad:
            assert gradient[place].any()
            gradient[place] = 0
            assert not gradient.any()  # nothing beyond the leading channels
            assert narrow.get_parameter(path).grad is None
    counted = {n: v for n, v in narrow.state_dict().items() if n.endswith("num_batches_tracked")}
    assert all(v == 1 for v in counted.values())
    assert all(v == 0 for n, v in wide.state_dict().items() if n in counted)


def test_once_settled_the_narrow_network_runs_alone():
    wide, narrow = (model.eval() for model in pair("resnet9"))
    pixels = torch.rand(4, *IMAGE)
    expected = Sliced(narrow, wide)(pixels)
    assert not torch.equal(narrow(pixels), expected)
    settle(narrow, wide)
    assert torch.equal(narrow(pixels), expected)


def test_masks_and_polynomials_are_those_of_the_leading_channels():
    wide, narrow = pair("tinynet")
    dice = torch.Generator().manual_seed(0)
    mask = Mask.of({path: torch.rand(g.shape, generator=dice).numpy() < 0.5 for path, g in gates(wide).items()})
    set_mask(wide, mask, {path: torch.rand(3, g.shape[0], generator=dice) for path, g in gates(wide).items()})
    sites = sites_of(narrow, IMAGE)
    freeze_as(narrow, wide, sites)
    assert mask_of(narrow) == leading(mask, sites)
    for path, found in gates(narrow).items():
        channels = found.shape[0]
        assert (mask.bits(path)[:channels] == mask_of(narrow).bits(path)).all()
        assert torch.equal(found.coefficients, gates(wide)[path].coefficients[:, :channels])
        assert found.coefficients is not gates(wide)[path].coefficients
    assert not {"relu1.coefficients", "relu2.coefficients"} & set(shared(narrow, wide))


def test_another_network_is_no_narrow_copy():
    with pytest.raises(InputError, match="not a narrower copy"):
        shared(*pair("tinynet"))
