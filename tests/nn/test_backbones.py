"""The ReLU counts of SNL (Cho et al., ICML 2022) and of DeepReDuce's accounting, and a contract for every backbone."""

import math

import pytest
import torch

from frontier import registry
from frontier.errors import InputError
from frontier.nn.gates import FrozenGate
from frontier.nn.network import Classifier, build
from frontier.nn.profile import profile
from frontier.nn.sites import sites_of
from frontier.nn.surgery import gate, mask_of

COUNTS = {  # at 3x32x32: full, inner, sites in full
    "resnet9": (311_296, 245_760, 9),
    "resnet18": (557_056, 491_520, 17),
    "resnet34": (966_656, 901_120, 33),
    "wrn16_8": (933_888, 901_120, 13),
    "wrn22_8": (1_392_640, 1_359_872, 19),
    "wrn28_10": (2_310_144, 2_269_184, 25),
}
PARAMETERS = {"resnet18": 11_220_132, "resnet34": 21_328_292, "wrn22_8": 17_204_276, "wrn28_10": 36_536_884}
MACS = {"resnet9": 0.2535, "resnet18": 0.5555, "resnet34": 1.1594, "wrn16_8": 1.5482, "wrn22_8": 2.4542}  # G, 32 px
MACS |= {"wrn28_10": 5.2434}


def sites(name, size, **options):
    """On the meta device: shapes without arithmetic."""
    with torch.device("meta"):
        model = build(name, (3, size, size), 100, **options)
    return sites_of(model, (3, size, size), outer=registry.load("backbone", name).OUTER)


def total(found):
    return sum(site.relus for site in found)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_those_of_the_papers_in_both_conventions(name):
    full, inner, layers = COUNTS[name]
    for size, times in ((32, 1), (64, 4)):
        found = sites(name, size)
        assert total(found) == times * full
        assert total(site for site in found if site.inner) == times * inner
        assert len(found) == layers
        built = sites(name, size, sites="inner")
        assert total(built) == times * inner
        assert built == tuple(site for site in found if site.inner)


def test_resnet18_stages():
    shapes = [site.shape for site in sites("resnet18", 32)]
    stages = [[(64, 32, 32)] * 4, [(128, 16, 16)] * 4, [(256, 8, 8)] * 4, [(512, 4, 4)] * 4]
    assert shapes == [(64, 32, 32), *(shape for stage in stages for shape in stage)]
    sums = [sum(map(math.prod, stage)) for stage in stages]
    assert sums == [262_144, 131_072, 65_536, 32_768]
    assert sum(sums[1:]) == 229_376
    assert sum(sums[1:3]) == 196_608


def by_stage(name):
    found = {}
    for site in sites(name, 32):
        stage = site.path.split(".")[0]
        found[stage] = found.get(stage, 0) + site.relus
    return list(found.values())


def test_stage_sums_of_the_other_networks():
    assert by_stage("resnet9") == [65_536, 131_072, 65_536, 32_768, 16_384]
    assert by_stage("resnet34") == [65_536, 393_216, 262_144, 196_608, 49_152]
    assert by_stage("wrn16_8") == [409_600, 327_680, 163_840, 32_768]
    assert by_stage("wrn22_8") == [671_744, 458_752, 229_376, 32_768]
    assert by_stage("wrn28_10") == [1_163_264, 737_280, 368_640, 40_960]


def test_wrn_preactivations_keep_the_resolution_before_the_stride():
    shapes = {site.path: site.shape for site in sites("wrn22_8", 32)}
    assert list(shapes.values())[:2] == [(16, 32, 32), (128, 32, 32)]
    assert shapes["group2.0.relu1"] == (128, 32, 32)
    assert shapes["group3.0.relu1"] == (256, 16, 16)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name):
    with torch.device("meta"):
        model = build(name, (3, 32, 32), 100)
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", MACS)
def test_macs(name):
    with torch.device("meta"):
        model = build(name, (3, 32, 32), 100)
    assert round(profile(model, (3, 32, 32)).macs / 1e9, 4) == pytest.approx(MACS[name], abs=1e-4)


def test_tinynet_on_digits():
    model = build("tinynet", (1, 8, 8), 10)
    assert total(sites_of(model, (1, 8, 8))) == 768
    assert sum(parameter.numel() for parameter in model.parameters()) == 1442


def test_airnet_on_cifar():
    model = build("airnet", (3, 32, 32), 10)
    found = profile(model, (3, 32, 32))
    assert found.relus == found.kept == found.kept_inner == 13_312
    assert found.macs == 5_973_248
    assert 290_000 < sum(parameter.numel() for parameter in model.parameters()) < 300_000
    assert model.whiten.bias is not None
    narrow = build("airnet", (3, 32, 32), 10, options={"width1": 16, "width2": 64, "width3": 64, "stem_stride": 1})
    assert total(sites_of(narrow, (3, 32, 32))) == 37_688


def test_airnet_refuses_an_image_that_its_pooling_would_empty():
    with pytest.raises(InputError, match="at least 16 pixels"):
        build("airnet", (3, 8, 8), 10)


SMALL = {"resnet9": {"width": 8}, "resnet18": {"width": 8}, "resnet34": {"width": 8}}


@pytest.mark.parametrize("image", [(1, 16, 16), (3, 32, 32)])
@pytest.mark.parametrize("name", registry.names("backbone"))
def test_contract(name, image):
    if name.startswith("wrn") and image[1] == 32:
        pytest.skip("too slow on one core; 16 px runs the same code")
    torch.manual_seed(0)
    outer = registry.load("backbone", name).OUTER
    found = {}
    for convention in ("full", "inner"):
        model = build(name, image, 7, sites=convention, options=SMALL.get(name, {})).eval()
        found[convention] = sites_of(model, image, outer=outer)
    assert total(found["inner"]) <= total(found["full"])
    assert {site.path for site in found["full"] if not site.inner} == set(outer)
    gated = gate(model, image, FrozenGate.at, outer=outer)
    pixels = torch.rand(2, *image)
    with torch.no_grad():
        logits = model(pixels)
        assert logits.shape == (2, 7)
        assert torch.equal(gated(pixels), logits)
    assert mask_of(gated).count == total(found["inner"])


def test_options_are_checked_against_what_the_backbone_takes():
    with pytest.raises(InputError, match="Did you mean 'width'"):
        build("resnet18", (3, 32, 32), 10, options={"widht": 8})
    for bad in (0, -4, True, 8.0, "8"):
        with pytest.raises(InputError, match="'width' does not fit"):
            build("resnet18", (3, 32, 32), 10, options={"width": bad})
    with pytest.raises(InputError, match="unknown option 'width'"):
        build("wrn16_8", (3, 32, 32), 10, options={"width": 8})
    with pytest.raises(InputError, match="unknown option 'classes'"):
        build("resnet18", (3, 32, 32), 10, options={"classes": 8})


def test_names_images_classes_and_conventions_are_checked():
    with pytest.raises(InputError, match="Did you mean 'resnet18'"):
        build("resnet_18", (3, 32, 32), 10)
    with pytest.raises(InputError, match="three positive sizes"):
        build("resnet18", (3, 0, 32), 10)
    with pytest.raises(InputError, match="positive int"):
        build("resnet18", (3, 32, 32), 0)
    with pytest.raises(InputError, match="full or inner"):
        build("resnet18", (3, 32, 32), 10, sites="outer")


def test_classifier_normalises_per_channel():
    body = torch.nn.Identity()
    classifier = Classifier(body, (0.5, 0.25), (0.5, 0.25))
    assert torch.equal(classifier(torch.ones(1, 2, 1, 1)).flatten(), torch.tensor([1.0, 3.0]))
    with pytest.raises(InputError, match="normalisation"):
        Classifier(body, (0.5,), (0.0,))
