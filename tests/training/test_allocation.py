"""The rule for sharing a budget among layers, against the density lists that SENet's authors published.

The lists are in sreetamasarkar/rlnet (commit afbf3aa, sensitivity_list.yaml); ResNet18 has 17 activation layers.
"""

import numpy as np
import pytest
import torch

from frontier.nn.network import build
from frontier.nn.sites import sites_of
from frontier.training.allocation import waterfill, whole

ALPHA = [0.0572, 0.1854, 0.2129, 0.2506, 0.2758, 0.3549, 0.4884, 0.5102, 0.5568]  # sensitivities, the largest is 1
ALPHA += [0.6739, 0.8143, 0.8277, 0.8623, 0.9410, 0.9902, 0.9986, 1.0]
TINY_300K = [1714.8, 5562.0, 6385.7, 7519.4, 8275.1, 10645.5, 14650.5, 15304.9, 16702.7]  # ReLUs a layer, 64 px
TINY_300K += [20216.4, 24429.6, 24829.9, 25869.8, 28228.6, 29706.0, 29958.9, 30000.0]
CIFAR_100K = [0.00967, 0.0313, 0.036, 0.04236, 0.0466, 0.12, 0.165, 0.172, 0.188]  # densities, 32 px
CIFAR_100K += [0.45555, 0.5505, 0.56, 0.583, 1, 1, 1, 1]
HAND_SET = {
    82_657: [0.01, 0.11, 0.14, 0.19, 0.21, 0.03, 0.03, 0.03, 0.03, 0.1, 0.14, 0.19, 0.34, 0.35, 0.76, 0.83, 0.85],
    49_971: [0.02, 0.025, 0.03, 0.025, 0.025, 0.05, 0.05, 0.05, 0.05, 0.25, 0.25, 0.25, 0.25, 0.5, 0.6, 0.6, 0.6],
}


def sizes(pixels, name="resnet18"):
    with torch.device("meta"):
        model = build(name, (3, pixels, pixels), 100)
    return [site.relus for site in sites_of(model, (3, pixels, pixels))]


def random_case(seed, zeros=False):
    dice = np.random.default_rng(seed)
    weights, n = dice.random(6), dice.integers(0, 30, 6)
    if zeros:
        weights[dice.integers(0, 6, 3)] = 0
    return weights, n


def test_s1_the_rule_gives_the_published_densities_of_100k_relus():
    n = sizes(32)
    found = waterfill(ALPHA, n, 100_000) / n
    assert found == pytest.approx(CIFAR_100K, rel=0.01)
    assert np.flatnonzero(found == 1).tolist() == [13, 14, 15, 16]
    assert found.tolist()[:13] == pytest.approx(CIFAR_100K[:13], rel=0.0027)


def test_s2_the_rule_gives_the_published_counts_of_300k_relus():
    n = sizes(64)
    found = waterfill(ALPHA, n, 300_000)
    assert found == pytest.approx(TINY_300K, abs=2)
    assert (found < n).all()
    exact = np.asarray(TINY_300K) / max(TINY_300K)
    assert waterfill(exact, n, 300_000) == pytest.approx(TINY_300K, abs=0.05)
    assert waterfill(ALPHA, n, 150_000) == pytest.approx(found / 2)


def test_s2_whole_relus_are_within_three_of_the_published_counts():
    counts = whole(ALPHA, sizes(64), 300_000)
    assert counts == pytest.approx(TINY_300K, abs=3)
    assert sum(counts) == 300_000


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_s3_whole_budgets_are_exact_and_never_fall(seed, zeros):
    weights, n = random_case(seed, zeros)
    before = (0,) * len(n)
    for budget in range(int(n.sum()) + 3):
        counts = whole(weights, n, budget)
        assert sum(counts) == min(budget, n.sum())
        assert all(b <= count <= size for b, count, size in zip(before, counts, n, strict=True))
        before = counts
    assert before == tuple(n)


@pytest.mark.parametrize("budget", [0, 1, 17, 1000])
def test_s3_only_the_proportions_of_the_weights_matter(budget):
    weights, n = random_case(7)
    assert whole(3.7 * weights, n, budget) == whole(weights, n, budget)
    assert waterfill(3.7 * weights, n, budget) == pytest.approx(waterfill(weights, n, budget))


@pytest.mark.parametrize("seed", range(5))
def test_whole_relus_follow_the_real_ones(seed):
    weights, n = random_case(seed)
    for budget in range(0, int(n.sum()), 7):
        assert whole(weights, n, budget) == pytest.approx(waterfill(weights, n, budget), abs=1.5)


def test_ties_go_to_the_earlier_layer():
    assert whole([1, 1, 1], [9, 9, 9], 4) == (2, 1, 1)
    assert whole([1, 1], [9, 9], 1) == (1, 0)


def test_layers_without_weight_get_what_the_others_cannot_take():
    assert waterfill([1, 0, 0], [4, 10, 20], 10).tolist() == [4, 2, 4]
    assert whole([1, 0, 0], [4, 10, 20], 10) == (4, 2, 4)
    assert whole([0, 0], [4, 8], 3) == (1, 2)


def test_no_layers_and_budgets_out_of_range():
    assert whole([], [], 5) == ()
    assert whole([1, 2], [3, 3], -1) == (0, 0)
    assert whole([1, 2], [3, 3], 100) == (3, 3)


@pytest.mark.parametrize("weights", [[-1.0, 1.0], [float("nan"), 1.0], [float("inf"), 1.0], [1.0]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="one for each size"):
        whole(weights, [1, 1], 1)


@pytest.mark.parametrize(("name", "pixels", "total"), [
    ("resnet18", 32, 557_056), ("resnet34", 32, 966_656), ("wrn22_8", 32, 1_392_640), ("resnet18", 64, 2_228_224),
])  # fmt: skip
def test_s4_relus_of_the_networks_in_the_lists(name, pixels, total):
    assert sum(sizes(pixels, name)) == total


@pytest.mark.parametrize("total", HAND_SET)
def test_the_hand_set_lists_do_not_follow_the_rule(total):
    n = np.asarray(sizes(32))
    published = np.asarray(HAND_SET[total])
    assert (published * n).sum() == pytest.approx(total, abs=1)
    assert not np.allclose(waterfill(ALPHA, n, total) / n, published, rtol=0.5)
