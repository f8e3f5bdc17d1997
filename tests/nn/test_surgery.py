import pytest
import torch
import torch.nn.functional as F
from torch import nn

from frontier.errors import InputError, MaskError
from frontier.masks.mask import Mask
from frontier.nn.counter import count_relus
from frontier.nn.gates import FrozenGate, SoftGate
from frontier.nn.network import build
from frontier.nn.sites import sites_of
from frontier.nn.surgery import gate, gates, mask_of, set_mask

IMAGE = (2, 4, 4)


class Net(nn.Module):
    """Two convolutions; subclasses say how they are activated."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 3, 3, padding=1)
        self.bn = nn.BatchNorm2d(3)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        x = self.relu(self.bn(self.conv1(x)))
        return F.relu(self.conv2(x)).mean((2, 3))


class Reused(Net):
    def forward(self, x):
        return self.relu(self.conv2(self.relu(self.conv1(x)))).mean((2, 3))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return torch.relu(self.conv(x).relu() - 1)


class FunctionalInBlock(Net):
    def __init__(self):
        super().__init__()
        self.block = Block()

    def forward(self, x):
        return self.block(self.conv1(x)).mean((2, 3))


class InPlaceStatement(Net):
    def forward(self, x):
        x = self.conv1(x)
        F.relu_(x)
        return self.conv2(x).mean((2, 3)) + x.mean((2, 3))


class InPlaceModuleReadAgain(Net):
    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.conv1(x)
        return (self.conv2(self.relu(x)) + x).mean((2, 3))


class DataDependent(Net):
    def forward(self, x):
        x = self.relu(self.conv1(x))
        return (self.conv2(x) if x.sum() > 0 else x).mean((2, 3))


class DataDependentFunctional(DataDependent):
    def forward(self, x):
        x = self.relu(self.conv1(x))
        return F.relu(self.conv2(x) if x.sum() > 0 else x).mean((2, 3))


class TrainingDependent(Net):
    def forward(self, x):
        return F.dropout(F.relu(self.conv1(x)), 0.5, self.training).mean((2, 3))


class Other(Net):
    def forward(self, x):
        return F.gelu(self.relu(self.conv1(x))).mean((2, 3))


def seeded(kind):
    torch.manual_seed(0)
    return kind().eval()


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (Net, ["relu", "relu#2"]),
        (Reused, ["relu", "relu#2"]),
        (InPlaceStatement, ["relu"]),
        (InPlaceModuleReadAgain, ["relu"]),
        (DataDependent, ["relu"]),
        (FunctionalInBlock, ["block.relu", "block.relu#2"]),
    ],
)
def test_every_relu_is_gated_and_all_kept_is_the_plain_network_bit_for_bit(kind, paths):
    model = seeded(kind)
    assert [site.path for site in sites_of(model, IMAGE)] == paths
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pixels = torch.randn(3, *IMAGE)
    for make in (FrozenGate.at, SoftGate.at):
        gated = gate(model, IMAGE, make)
        assert list(gates(gated)) == paths
        with torch.no_grad():
            assert torch.equal(gated(pixels), model(pixels))
        state = gated.state_dict()
        assert all(torch.equal(state[name], value) for name, value in before.items())
        assert not {value.data_ptr() for value in gated.parameters()} & {v.data_ptr() for v in model.parameters()}
    assert [type(module) for module in model.modules()] == [type(module) for module in seeded(kind).modules()]


@pytest.mark.parametrize("kind", [Net, Reused, InPlaceModuleReadAgain])
def test_a_gated_network_with_no_relu_kept_is_affine(kind):
    model = gate(seeded(kind), IMAGE, FrozenGate.at).double()
    set_mask(model, Mask.zeros([(site.path, site.shape) for site in sites_of(model, IMAGE)]))
    one, two = torch.randn(2, 1, *IMAGE, dtype=torch.float64)
    with torch.no_grad():
        assert torch.allclose(model(one) + model(two), 2 * model((one + two) / 2))
    assert sum(site.kept for site in count_relus(model, IMAGE)) == 0


@pytest.mark.parametrize("kind", [DataDependentFunctional, TrainingDependent])
def test_relus_that_cannot_be_gated_are_named(kind):
    with pytest.raises(InputError, match="relu"):
        gate(seeded(kind), IMAGE, FrozenGate.at)


def test_an_activation_that_is_no_relu_is_named():
    with pytest.raises(InputError, match="gelu at gelu"):
        gate(seeded(Other), IMAGE, FrozenGate.at)


def test_make_must_give_a_gate():
    with pytest.raises(InputError, match="expected: a Gate"):
        gate(seeded(Net), IMAGE, lambda site: nn.ReLU())
    with pytest.raises(InputError, match="expected: a Gate"):
        gate(seeded(Net), IMAGE, lambda site: SoftGate((1, 1, 1)))


def test_make_is_told_what_is_outer():
    told = []

    def make(site):
        told.append(site)
        return FrozenGate.at(site)

    gate(build("resnet9", (3, 8, 8), 10, options={"width": 2}), (3, 8, 8), make, outer=("relu",))
    assert [site.path for site in told if not site.inner] == ["relu"]


def test_running_statistics_and_training_flags_are_left_alone():
    model = build("tinynet", (1, 8, 8), 10)
    model.train()
    model.bn1.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gated = gate(model, (1, 8, 8), FrozenGate.at)
    count_relus(model, (1, 8, 8))
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    for network in (model, gated):
        assert network.training
        assert network.bn2.training
        assert not network.bn1.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_masks_go_in_and_come_out():
    model = build("tinynet", (1, 8, 8), 10)
    soft = gate(model, (1, 8, 8), SoftGate.at)
    with pytest.raises(InputError, match="holds no mask"):
        mask_of(soft)
    rng = torch.Generator().manual_seed(0)
    sites = sites_of(model, (1, 8, 8))
    mask = Mask.of({site.path: (torch.rand(site.shape, generator=rng) < 0.3).numpy() for site in sites})
    assert set_mask(soft, mask) is soft
    assert mask_of(soft) == mask
    counted = count_relus(soft, (1, 8, 8))
    assert {site.path: site.kept for site in counted} == mask.counts
    with torch.no_grad():
        gates(soft)["relu1"].kept[:] = False
    assert mask.count == sum(site.kept for site in counted)


def test_a_mask_of_another_network_is_refused():
    gated = gate(build("tinynet", (1, 8, 8), 10), (1, 8, 8), FrozenGate.at)
    with pytest.raises(MaskError, match="only in the mask"):
        set_mask(gated, Mask.ones([("relu1", (8, 8, 8)), ("other", (16, 4, 4))]))
    with pytest.raises(MaskError, match="only in the mask"):
        set_mask(gated, Mask.ones([("relu1", (8, 8, 8)), ("relu2", (16, 4, 5))]))
    assert mask_of(gated).count == 768
