import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontier.errors import MaskError
from frontier.masks.mask import Mask

SITES = (("stem.relu", (2, 3, 3)), ("block.relu#2", (4, 1, 1)))


@st.composite
def pairs(draw):
    """Two masks of one network."""
    shapes = draw(st.lists(st.tuples(*[st.integers(1, 5)] * 3), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.3, 1.0]))
    return [
        Mask.of({f"layer{i}.relu": rng.random(shape) < density for i, shape in enumerate(shapes)}) for _ in range(2)
    ]


def test_ones_keep_every_position_and_zeros_none():
    assert Mask.ones(SITES).count == Mask.ones(SITES).relus == 22
    assert Mask.zeros(SITES).count == 0
    assert Mask.ones(SITES).counts == {"stem.relu": 18, "block.relu#2": 4}


def test_linearizing_more_positions_never_raises_the_count():
    rng = np.random.default_rng(0)
    bits = {path: rng.random(shape) < 0.7 for path, shape in SITES}
    fewer = {path: array & (rng.random(array.shape) < 0.5) for path, array in bits.items()}
    assert Mask.of(fewer).count <= Mask.of(bits).count


def test_a_mask_cannot_be_changed_from_outside():
    source = np.ones((2, 2, 2), np.bool_)
    mask = Mask.of({"relu": source})
    source[:] = False
    assert mask.count == 8
    with pytest.raises(ValueError, match="read-only"):
        mask.bits("relu")[0, 0, 0] = False
    with pytest.raises(ValueError, match="WRITEABLE"):
        mask.bits("relu").setflags(write=True)


def test_equality_and_hash_are_those_of_a_value():
    ones = Mask.ones(SITES)
    assert ones == Mask.ones(reversed(SITES))
    assert hash(ones) == hash(Mask.ones(SITES))
    assert ones != Mask.zeros(SITES)
    assert ones.hash != Mask.ones((("stem.relu", (2, 9, 1)), SITES[1])).hash
    assert ones != "a mask"


@pytest.mark.parametrize(
    ("path", "array"),
    [
        ("relu", np.ones((1, 2, 2))),
        ("relu", np.ones((0, 2, 2), np.bool_)),
        ("relu", np.bool_(True)),
        ("../relu", np.ones((1, 2, 2), np.bool_)),
        ("/etc/passwd", np.ones((1, 2, 2), np.bool_)),
        ("", np.ones((1, 2, 2), np.bool_)),
    ],
)
def test_what_is_no_mask_is_refused(path, array):
    with pytest.raises(MaskError):
        Mask.of({path: array})


def test_an_unknown_site_is_answered_with_the_nearest():
    with pytest.raises(MaskError, match=r"Did you mean 'stem\.relu'"):
        Mask.ones(SITES).bits("stem.rel")


@settings(max_examples=30, deadline=None)
@given(pairs())
def test_diff_accounts_for_every_kept_position(masks):
    left, right = masks
    diff = left.diff(right)
    assert diff.kept_in_both + diff.only_left == left.count
    assert diff.kept_in_both + diff.only_right == right.count
    sizes = {path: int(np.prod(shape)) for path, shape in left.sites}
    differing = sum(round(diff.hamming[path] * sizes[path]) for path in sizes)
    assert differing == diff.only_left + diff.only_right
    assert (left == right) == (differing == 0)


def test_masks_of_different_networks_have_no_diff():
    with pytest.raises(MaskError, match="different networks"):
        Mask.ones(SITES).diff(Mask.ones(SITES[:1]))
