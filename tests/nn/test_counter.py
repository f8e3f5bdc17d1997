import pytest
import torch
import torch.nn.functional as F
from torch import nn

from frontier.errors import InputError
from frontier.masks.mask import Mask
from frontier.nn.counter import count_relus
from frontier.nn.gates import FrozenGate, Gate, SoftGate
from frontier.nn.network import Classifier, build
from frontier.nn.profile import profile
from frontier.nn.surgery import gate, gates, set_mask
from frontier.nn.surrogates import dapa

IMAGE = (1, 8, 8)


def linearized():
    torch.manual_seed(0)
    model = gate(build("tinynet", IMAGE, 10), IMAGE, FrozenGate.at)
    return set_mask(model, Mask.zeros([("relu1", (8, 8, 8)), ("relu2", (16, 4, 4))]))


def kept(model):
    return sum(site.kept for site in count_relus(model, IMAGE))


class Function(Gate):
    """A gate that computes any function, whatever mask it shows."""

    def __init__(self, function):
        super().__init__((8, 8, 8))
        self.function = function
        self.register_buffer("kept", torch.zeros(8, 8, 8, dtype=torch.bool))

    def forward(self, x):
        return self.function(x)


def with_gate(function):
    model = linearized()
    model.relu1 = Function(function)
    return model


@pytest.mark.parametrize(
    ("function", "relus", "squares"),
    [
        (torch.relu, 512, 0),
        (lambda x: x.clamp(min=0), 512, 0),
        (lambda x: F.leaky_relu(x, 0.99), 512, 0),
        (lambda x: -torch.relu(-x), 512, 0),
        (lambda x: (x - 5).relu(), 512, 0),
        (torch.abs, 512, 0),
        (lambda x: x, 0, 0),
        (lambda x: 0.5 * x + 0.1, 0, 0),
        (torch.zeros_like, 0, 0),
        (lambda x: 0.1 * x * x + 0.5 * x + 0.2, 0, 512),
        (lambda x: torch.cat([x[:, :2].relu(), x[:, 2:]], 1), 128, 0),
        (lambda x: x.relu() if len(x) == 1 else x, 512, 0),  # tells a probe from an image
        (lambda x: x - x.mean(), 512, 0),  # not position by position
    ],
)
def test_a_gate_is_judged_by_what_it_computes(function, relus, squares):
    found = count_relus(with_gate(function), IMAGE)
    assert (found[0].kept, found[0].squares) == (relus, squares)


def test_an_ungated_relu_is_counted():
    model = linearized()
    assert kept(model) == 0
    model.bn1 = nn.Sequential(model.bn1, nn.ReLU())
    assert {site.path: site.kept for site in count_relus(model, IMAGE)} == {"bn1.1": 512, "relu1": 0, "relu2": 0}


def test_a_functional_relu_is_counted_at_the_module_that_calls_it():
    class Hidden(nn.Module):
        def forward(self, x):
            return torch.maximum(x.relu_().clamp(min=0), torch.zeros(()))

    model = linearized()
    model.bn1 = nn.Sequential(model.bn1, Hidden())
    assert [site.path for site in count_relus(model, IMAGE) if site.kept] == [
        "bn1.1.relu",
        "bn1.1.clamp",
        "bn1.1.maximum",
    ]


@pytest.mark.parametrize(
    "function",
    [
        *(F.gelu, F.silu, F.elu, F.relu6, F.hardtanh, torch.sigmoid, torch.abs, torch.tanh),
        lambda x: x * x,
        lambda x: x.clamp_min(0),
        lambda x: F.threshold(x, 0, 0),
        lambda x: F.leaky_relu(x, 0.1),
        lambda x: F.prelu(x, torch.tensor([0.2])),
        lambda x: torch.where(x > 0, x, 0),
        lambda x: 1 / (x + 9),
    ],
)
def test_every_pointwise_nonlinearity_is_counted(function):
    class Acts(nn.Module):
        def forward(self, x):
            return function(x)

    model = linearized()
    model.bn1 = nn.Sequential(model.bn1, Acts())
    assert kept(model) == 512


@pytest.mark.parametrize("module", [nn.MaxPool2d(1), nn.Softmax(1), nn.GroupNorm(1, 8), nn.InstanceNorm2d(8)])
def test_a_nonlinearity_that_is_not_pointwise_is_refused(module):
    model = linearized()
    model.bn1 = nn.Sequential(model.bn1, module)
    with pytest.raises(InputError, match=r"bn1\.1.*cannot be counted"):
        count_relus(model, IMAGE)


def test_a_gate_that_hides_a_network_is_refused():
    with pytest.raises(InputError, match="mixes positions"):
        count_relus(with_gate(lambda x: F.conv2d(x, torch.zeros(8, 8, 1, 1))), IMAGE)
    with pytest.raises(InputError, match="changes the shape"):
        count_relus(with_gate(lambda x: x[:, :1]), IMAGE)


def test_arithmetic_on_parameters_is_not_an_activation():
    class Clamped(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(8, 1, 1))

        def forward(self, x):
            return x * self.scale.clamp(min=0).sqrt()

    model = linearized()
    model.bn1 = nn.Sequential(model.bn1, Clamped())
    assert kept(model) == 0


def test_a_soft_gate_counts_until_it_is_the_identity():
    model = gate(build("tinynet", IMAGE, 10), IMAGE, SoftGate.at)
    assert kept(model) == 768
    with torch.no_grad():
        for soft in gates(model).values():
            soft.alpha.zero_()
        gates(model)["relu1"].alpha[0] = 0.01
    assert kept(model) == 64


@pytest.mark.parametrize(("degree", "squares"), [(None, 0), (0, 0), (1, 0), (2, 1)])
def test_a_quadratic_is_a_square_and_never_free(degree, squares):
    model = linearized()
    coefficients = {} if degree is None else {"relu1": dapa(torch.linspace(-1, 1, 8), torch.ones(8), degree)}
    bits = torch.zeros(8, 8, 8, dtype=torch.bool)
    bits[:3] = True
    bits[3, 0, :5] = True
    mask = Mask.of({"relu1": bits.numpy(), "relu2": torch.zeros(16, 4, 4, dtype=torch.bool).numpy()})
    set_mask(model, mask, coefficients)
    found = count_relus(model, IMAGE)
    assert [(site.kept, site.squares) for site in found] == [(197, squares * (512 - 197)), (0, 0)]


@pytest.mark.parametrize("std", [1e-3, 0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("ratio", [0.0, 2.0, -3.0, 5.0, -5.0, 6.0])
def test_a_weak_curve_is_a_square_too(ratio, std):
    coefficients = dapa(torch.full((8,), ratio * std), torch.full((8,), std), 2)
    model = set_mask(linearized(), Mask.zeros([("relu1", (8, 8, 8)), ("relu2", (16, 4, 4))]), {"relu1": coefficients})
    site, _ = count_relus(model, IMAGE)
    assert (site.kept, site.squares) == (0, 512)


def test_a_quadratic_without_a_curve_is_free():
    coefficients = torch.tensor([0.1, 0.5, 0.0]).view(3, 1).expand(3, 8)
    model = set_mask(linearized(), Mask.zeros([("relu1", (8, 8, 8)), ("relu2", (16, 4, 4))]), {"relu1": coefficients})
    assert sum(site.kept + site.squares for site in count_relus(model, IMAGE)) == 0


def test_a_masked_wrn_is_not_counted_as_zero():
    image = (3, 8, 8)
    model = gate(build("wrn16_8", image, 10, sites="inner"), image, FrozenGate.at)
    found = count_relus(model, image)
    assert sum(site.kept for site in found) == 901_120 // 16
    assert len(found) == 12


def test_both_conventions_are_told_apart():
    image = (3, 8, 8)
    found = count_relus(build("resnet9", image, 10, options={"width": 4}), image, outer=("relu",))
    assert [site.path for site in found if not site.inner] == ["relu"]
    assert sum(site.kept for site in found) - sum(site.kept for site in found if site.inner) == 4 * 64


def test_normalisation_is_linear_and_paths_say_where_the_network_stands():
    model = Classifier(build("tinynet", IMAGE, 10), (0.3,), (0.2,))
    assert [site.path for site in count_relus(model, IMAGE)] == ["body.relu1", "body.relu2"]


def test_profile_of_a_masked_network():
    model = linearized()
    found = profile(model, IMAGE, outer=("relu2",))
    assert (found.relus, found.kept) == (768, 0)
    assert [site.inner for site in found.sites] == [True, False]
    conv1, conv2, head = found.linear
    assert (conv1.path, conv1.kind, conv1.macs) == ("conv1", "conv2d", 9 * 8 * 64)
    assert (conv1.input_elements, conv1.output_elements) == (64, 512)
    assert (conv2.macs, conv2.output_elements) == (9 * 8 * 16 * 16, 256)
    assert (head.path, head.kind, head.macs, head.input_elements, head.output_elements) == (
        "head",
        "linear",
        160,
        16,
        10,
    )


def test_macs_of_grouped_and_transposed_convolutions():
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, groups=2), nn.ConvTranspose2d(4, 3, 2, stride=2))
    grouped, transposed = profile(model, (2, 8, 8)).linear
    assert grouped.macs == 4 * 64 * 9
    assert transposed.macs == 4 * 64 * 3 * 4
    assert transposed.output_elements == 3 * 16 * 16
