"""The sparse copy: which convolution feeds which ReLU, how it is pruned, and that it is trained once for all trials."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from frontier.errors import Cancelled, InputError
from frontier.nn.network import Classifier, build
from frontier.training.sensitivity import Proxy, Sparse, density_after, feeding, prunable, sensitivities, shares, train

sys.path.insert(0, str(Path(__file__).parents[1] / "methods"))

from method_task import same, small_task, state

FAST = Proxy(proxy_epochs=3, proxy_density=0.3)


@pytest.fixture
def task(tmp_path):
    return small_task(tmp_path)


def test_in_a_residual_block_the_shortcut_feeds_nothing():
    feeds = feeding(build("resnet18", (3, 8, 8), 10, options={"width": 4}), (3, 8, 8))
    assert list(feeds.items())[:3] == [("relu", "conv"), *((f"layer1.0.relu{i}", f"layer1.0.conv{i}") for i in (1, 2))]
    assert all(site.replace("relu", "conv") == layer for site, layer in feeds.items())


def test_in_a_pre_activation_block_the_last_blocks_convolution_feeds_the_first_relu():
    feeds = feeding(build("wrn16_8", (3, 8, 8), 10), (3, 8, 8))
    assert list(feeds.values())[:4] == ["conv", "group1.0.conv1", "group1.0.conv2", "group1.1.conv1"]
    assert not any("shortcut" in layer for layer in feeds.values())
    assert feeds["relu"] == "group3.1.conv2"


class Branches(nn.Module):
    """A shortcut that runs first, functional ReLUs, two ReLUs behind one convolution, and a linear layer before one."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 3, padding=1)
        self.shortcut = nn.Conv2d(2, 2, 1)
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.fc = nn.Linear(2, 3)
        self.head = nn.Linear(3, 4)

    def forward(self, x):
        x = self.stem(x)
        x = x.relu() - torch.relu(-x)
        shortcut = self.shortcut(x)
        x = torch.relu(self.conv(x)).relu_() + shortcut
        return self.head(torch.relu(self.fc(x.mean(dim=(2, 3)))))


def test_any_network_is_read():
    feeds = feeding(Branches(), (1, 8, 8))
    assert list(feeds.values()) == ["stem", "stem", "conv", "conv", "fc"]
    assert prunable(Branches(), (1, 8, 8)) == ("stem", "shortcut", "conv", "fc")


def test_a_relu_that_no_layer_feeds_is_refused():
    with pytest.raises(InputError, match="sensitivity cannot be told"):
        feeding(nn.Sequential(nn.ReLU(), nn.Conv2d(1, 2, 3)), (1, 8, 8))


@pytest.mark.parametrize("epochs", [1, 2, 3, 30, 240])
def test_the_density_falls_as_a_cubic_to_the_target_at_two_thirds(epochs):
    found = [density_after(epoch, epochs, 0.1) for epoch in range(epochs)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == 0.1
    if epochs == 240:
        assert found[79] == pytest.approx(0.1 + 0.9 / 8)
        assert found[158] > 0.1
        assert set(found[159:]) == {0.1}


def sparse(name="tinynet", image=(1, 8, 8), **options):
    torch.manual_seed(0)
    model = Classifier(build(name, image, 4, options=options), (0.3,) * image[0], (0.3,) * image[0])
    return Sparse(model, prunable(model.body, image))


@pytest.mark.parametrize("density", [1.0, 0.5, 0.1])
def test_exactly_the_largest_weights_of_all_layers_are_kept(density):
    model = sparse(width=4)
    weights = torch.cat([weight.detach().abs().flatten() for weight in model.weights()])
    model.prune(density)
    kept = torch.cat([mask.flatten() for mask in model.masks()])
    assert int(kept.sum()) == round(density * len(weights))
    assert weights[kept].min() >= weights[~kept].max() if density < 1 else kept.all()
    assert torch.equal(kept, torch.cat([weight.detach().flatten() != 0 for weight in model.weights()]))


def test_pruning_goes_on_from_what_is_pruned():
    model = sparse(width=4)
    model.prune(0.5)
    before = [mask.clone() for mask in model.masks()]
    model.prune(0.2)
    assert all((mask <= b).all() for mask, b in zip(model.masks(), before, strict=True))


def test_no_layer_is_cut_off():
    model = sparse(width=4)
    with torch.no_grad():
        model.weights()[0].mul_(1e-6)
    model.prune(0.1)
    assert int(model.masks()[0].sum()) == 1


def test_a_whitening_stem_is_trained_in_the_copy():
    model = sparse("airnet", (3, 16, 16), width1=2, width2=2, width3=2)
    assert model.layers[0] == "whiten"
    assert all(weight.requires_grad for weight in model.weights())


def test_pruned_weights_stay_zero_while_the_others_are_trained(task):
    made = []
    watched = replace(task, fresh=lambda seed, options: made.append(task.fresh(seed, options)) or made[-1])
    found = train(watched, FAST, task.context)
    weights = {path: made[0].body.get_parameter(f"{path}.weight") for path in ("conv1", "conv2")}
    for (site, eta), (path, weight) in zip(found.items(), weights.items(), strict=True):
        assert site.replace("relu", "conv") == path
        assert float((weight != 0).float().mean()) == pytest.approx(float(eta))
    kept = sum(int((weight != 0).sum()) for weight in weights.values())
    assert kept == round(0.3 * sum(weight.numel() for weight in weights.values()))
    assert not same(state(made[0]), state(task.fresh(0, {})))


def test_it_is_trained_once_for_all_budgets_and_seeds(task):
    trained, real = [], task.cached

    def cached(name, key, make):
        return real(name, key, lambda context: trained.append(key) or make(context))

    task = replace(task, cached=cached)
    found = [shares(replace(task, seed=seed), FAST, budget) for seed, budget in ((0, 10), (1, 50), (2, 192))]
    assert len(trained) == 1
    assert [sum(counts.values()) for counts in found] == [10, 50, 192]
    assert found[-1] == {"relu1": 128, "relu2": 64}
    sensitivities(task, FAST.model_copy(update={"proxy_density": 0.2}))
    assert len(trained) == 2


def test_sensitivities_are_in_order_of_execution_and_cost_the_trial_nothing(task):
    before = state(task.teacher)
    found = sensitivities(task, FAST)
    assert list(found) == ["relu1", "relu2"]
    assert all(0 <= alpha < 1 for alpha in found.values())
    assert task.context.passes == {}
    assert same(before, state(task.teacher))


def test_a_crash_changes_nothing(task, tmp_path):
    whole = train(task, FAST, replace(task.context, checkpoints=tmp_path / "whole"))
    checks = []

    def stop():
        checks.append(0)
        if len(checks) == 2:
            raise Cancelled("stop")

    torn = replace(task.context, checkpoints=tmp_path / "torn", checkpoint_every_s=0.0)
    with pytest.raises(Cancelled):
        train(task, FAST, replace(torn, check=stop))
    assert same(train(task, FAST, torn), whole)
