"""SENet's score for masks: what accumulates, what is kept of it, and how far two masks are apart."""

import numpy as np
import pytest
import torch

from frontier.errors import InputError, MaskError
from frontier.masks.mask import Mask
from frontier.nn.gates import FrozenGate, SoftGate
from frontier.nn.network import build
from frontier.nn.sites import Site
from frontier.nn.surgery import gate, gates, mask_of
from frontier.training.differences import Differences, assign, hamming, random_tied

SITES = (Site("a", (3, 4, 4), True), Site("b.relu", (5, 2, 2), True))
IMAGE = (1, 8, 8)


def maps(count, seed):
    dice = torch.Generator().manual_seed(seed)
    return [torch.randn(count, *site.shape, generator=dice) for site in SITES]


def filled(*values):
    found = Differences(SITES)
    for summed, value in zip(found.sums().values(), values, strict=True):
        summed.copy_(value)
    return found


def test_s7_differences_add_up_over_batches():
    student, teacher = maps(8, 0), maps(8, 1)
    once, twice = Differences(SITES), Differences(SITES)
    once.add(student, teacher)
    for part in (slice(0, 4), slice(4, 8)):
        twice.add([s[part] for s in student], [t[part] for t in teacher])
    for path, summed in once.sums().items():
        assert torch.allclose(summed, twice.sums()[path])
    assert torch.allclose(once.sums()["a"], (student[0] - teacher[0]).abs().sum(0))


def test_s7_equal_activations_add_nothing_and_clear_forgets():
    found = Differences(SITES)
    found.add(maps(3, 0), maps(3, 0))
    assert not any(summed.any() for summed in found.sums().values())
    found.add(maps(3, 0), maps(3, 1))
    found.clear()
    assert not any(summed.any() for summed in found.sums().values())


def test_low_precision_is_summed_in_float32():
    found = Differences(SITES)
    for _ in range(300):
        found.add([torch.ones(1, *site.shape, dtype=torch.bfloat16) for site in SITES], [torch.zeros(1)] * 2)
    assert all((summed == 300).all() for summed in found.sums().values())


def test_no_gradient_is_held():
    found = Differences(SITES)
    found.add([map_.requires_grad_() for map_ in maps(2, 0)], maps(2, 1))
    assert not any(summed.requires_grad for summed in found.sums().values())


def test_the_sums_are_state_that_outlives_a_crash():
    found, other = Differences(SITES), Differences(SITES)
    found.add(maps(2, 0), maps(2, 1))
    other.load_state_dict(found.state_dict())
    assert all(torch.equal(summed, other.sums()[path]) for path, summed in found.sums().items())


@pytest.mark.parametrize("channels", [False, True])
@pytest.mark.parametrize("counts", [(0, 0), (1, 20), (7, 3), (48, 20)])
def test_s6_exactly_k_are_kept_ties_included(counts, channels):
    wanted = dict(zip(("a", "b.relu"), counts, strict=True))
    for found in (Differences(SITES), filled(maps(1, 0)[0][0].abs(), torch.ones(5, 2, 2))):
        mask = found.mask(wanted, channels=channels)
        assert mask.counts == wanted
        assert mask == found.mask(wanted, channels=channels)


def test_s6_the_largest_are_kept_and_ties_go_to_the_earlier_position():
    scores = torch.zeros(3, 4, 4)
    scores[2, 3, 3], scores[1, 0, 0] = 2.0, 1.0
    kept = filled(scores, torch.zeros(5, 2, 2)).mask({"a": 4, "b.relu": 2})
    assert np.argwhere(kept.bits("a")).tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 0], [2, 3, 3]]
    assert np.argwhere(kept.bits("b.relu")).tolist() == [[0, 0, 0], [0, 0, 1]]


def test_whole_channels_are_kept_by_their_sums_and_the_last_in_part():
    scores = torch.zeros(3, 4, 4)
    scores[0, 0, 0], scores[2] = 3.0, 1.0  # one large position loses to many
    scores[1, 2, 3] = 4.0
    kept = filled(scores, torch.zeros(5, 2, 2)).mask({"a": 18, "b.relu": 6}, channels=True)
    assert [int(channel.sum()) for channel in kept.bits("a")] == [0, 2, 16]
    assert kept.bits("a")[1, 2, 3]
    assert [int(channel.sum()) for channel in kept.bits("b.relu")] == [4, 2, 0, 0, 0]


def test_s8_the_hamming_distance_is_a_fraction_a_site_summed():
    sites = [(site.path, site.shape) for site in SITES]
    none, every = Mask.zeros(sites), Mask.ones(sites)
    assert hamming(none, none) == 0
    assert hamming(none, every) == 2
    half = Mask.of({"a": np.arange(48).reshape(3, 4, 4) < 12, "b.relu": np.zeros((5, 2, 2), np.bool_)})
    assert hamming(none, half) == 0.25


def test_the_first_mask_is_the_same_in_all_channels():
    mask = random_tied(SITES, {"a": 15, "b.relu": 10}, torch.Generator().manual_seed(0))
    assert mask.counts == {"a": 15, "b.relu": 10}
    assert (mask.bits("a") == mask.bits("a")[0]).all()
    assert not mask.bits("a")[0].ravel()[:5].all()  # a random place, not the first


@pytest.mark.parametrize("counts", [(0, 0), (1, 2), (16, 17), (48, 20)])
def test_the_first_mask_is_exact_where_the_count_does_not_divide(counts):
    wanted = dict(zip(("a", "b.relu"), counts, strict=True))
    mask = random_tied(SITES, wanted, torch.Generator().manual_seed(0))
    assert mask.counts == wanted
    each = mask.bits("a").reshape(3, -1).sum(axis=1)
    assert each.max() - each.min() <= 1
    assert mask == random_tied(SITES, wanted, torch.Generator().manual_seed(0))


def test_a_mask_is_assigned_in_place():
    model = gate(build("tinynet", IMAGE, 10, options={"width": 2}), IMAGE, FrozenGate.at)
    tensors = {path: found.kept for path, found in gates(model).items()}
    mask = Mask.of({path: found.kept.numpy() & (np.arange(found.kept.numel()) % 2 == 0).reshape(found.kept.shape)
                    for path, found in gates(model).items()})  # fmt: skip
    assign(model, mask)
    assert mask_of(model) == mask
    assert all(found.kept is tensors[path] for path, found in gates(model).items())


def test_what_holds_no_mask_or_is_no_mask_of_the_network_is_refused():
    plain = build("tinynet", IMAGE, 10, options={"width": 2})
    with pytest.raises(InputError, match="holds no mask"):
        assign(gate(plain, IMAGE, SoftGate.at), Mask.ones([("relu1", (2, 8, 8)), ("relu2", (4, 4, 4))]))
    with pytest.raises(MaskError, match="no site 'relu2'"):
        assign(gate(plain, IMAGE, FrozenGate.at), Mask.ones([("relu1", (2, 8, 8))]))
