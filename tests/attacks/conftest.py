"""What the tests of attacks share: a small network trained on digits, and images of the test split."""

import pytest
import torch
from torch import Tensor, nn

from frontier.data import digits


@pytest.fixture(scope="session")
def trained() -> tuple[nn.Module, Tensor, Tensor]:
    """A small network trained on digits in float64, and 100 test images with labels."""
    dataset = digits.load(None)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).double()
    dice = torch.Generator().manual_seed(0)
    for parameter in net.parameters():
        nn.init.uniform_(parameter, -0.15, 0.15, generator=dice)
    pixels = torch.from_numpy(dataset.train.images).double() / 255
    labels = torch.from_numpy(dataset.train.labels)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(pixels), labels).backward()
        optimizer.step()
    net.zero_grad()
    test = dataset.subset("test", 100, 0)
    return net.eval(), torch.from_numpy(test.images).double() / 255, torch.from_numpy(test.labels)


@pytest.fixture(scope="session")
def single(trained: tuple[nn.Module, Tensor, Tensor]) -> tuple[nn.Module, Tensor, Tensor]:
    """The same in float32, the first 60 images: what AutoAttack is given."""
    net, images, labels = trained
    copy = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    copy.load_state_dict(net.state_dict())
    return copy.eval(), images[:60].float(), labels[:60]
