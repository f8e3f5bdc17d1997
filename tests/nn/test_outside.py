"""A network that lives outside: `pkg.module:factory`, checked as a registered backbone is, and named when refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from frontier.errors import InputError
from frontier.nn.gates import FrozenGate
from frontier.nn.network import backbone, build, relu_sites
from frontier.nn.surgery import gate, mask_of

IMAGE = (1, 8, 8)


def relus(name: str, **keywords: Any) -> int:
    return sum(site.relus for site in relu_sites(name, build(name, IMAGE, 10, **keywords), IMAGE))


def test_a_factory_is_built_in_both_conventions_and_can_be_gated() -> None:
    assert relus("outside:build") == 4 * 64 + 4 * 16
    assert relus("outside:build", sites="inner") == 4 * 16
    assert relus("outside:build", options={"width": 2}) == 2 * 64 + 2 * 16
    model = build("outside:build", IMAGE, 10).eval()
    found = relu_sites("outside:build", model, IMAGE)
    assert [site.path for site in found if not site.inner] == list(backbone("outside:build").outer) == ["stem"]
    gated = gate(model, IMAGE, FrozenGate.at, outer=("stem",))
    pixels = torch.rand(2, *IMAGE)
    with torch.no_grad():
        assert torch.equal(gated(pixels), model(pixels))
    assert mask_of(gated).count == 4 * 64 + 4 * 16


def test_a_module_of_frontier_can_be_named_the_same_way() -> None:
    assert relus("frontier.nn.backbones.tinynet:build", options={"width": 2}) == 192


def test_a_factory_with_any_keywords_takes_any_option() -> None:
    assert relus("outside:plain", options={"units": 7}) == 7


@pytest.mark.parametrize(
    ("name", "keywords", "says"),
    [
        ("outside:build", {"options": {"widht": 2}}, "Did you mean 'width'"),
        ("outside:build", {"options": {"width": 0}}, "a positive int"),
        ("outside:build", {"options": {"width": 2.5}}, "a positive int"),
        ("outside:build", {"options": {"sites": "full"}}, "unknown option 'sites'"),
        ("outside:plain", {"sites": "inner", "options": {"units": 7}}, "takes no keyword 'sites'"),
        ("outside:plain", {"options": {"classes": 7}}, "multiple values for argument 'classes'"),
        ("outside:plain", {}, "cannot be built: KeyError: 'units'"),
        ("outside:broken", {"options": {"depth": 1}}, "ZeroDivisionError: the middle of the factory"),
        ("outside:broken", {}, "missing a required argument: 'depth'"),
        ("outside:nothing", {}, "expected: an nn.Module"),
        ("outside:buidl", {}, "Did you mean 'build'"),
        ("outside:OUTER", {}, "no factory 'OUTER'"),
        ("outside:", {}, "not an import path"),
        ("../outside:build", {}, "not an import path"),
    ],
)
def test_what_a_factory_is_refused_for_names_it(name: str, keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as refused:
        build(name, IMAGE, 10, **keywords)
    assert says in str(refused.value)
    assert name in str(refused.value)


def test_a_module_that_is_not_there_says_what_to_do() -> None:
    for name in ("absent:build", "absent.inner:build", "outside.inner:build"):
        with pytest.raises(InputError, match="PYTHONPATH or pass --plugin FOLDER"):
            build(name, IMAGE, 10)


def test_a_network_with_other_activations_is_refused_by_name() -> None:
    with torch.device("meta"):
        model = build("outside:smooth", IMAGE, 10)
    with pytest.raises(InputError, match=r"network 'outside:smooth': activations that are not plain ReLUs"):
        relu_sites("outside:smooth", model, IMAGE)
