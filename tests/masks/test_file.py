import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from frontier.errors import MaskError
from frontier.masks import file
from frontier.masks.mask import Mask

RESNET18 = [("relu", (64, 32, 32))] + [
    (f"layer{stage + 1}.{block}.relu{half}", (64 * 2**stage, 32 // 2**stage, 32 // 2**stage))
    for stage in range(4)
    for block in range(2)
    for half in (1, 2)
]


def write(path: Path, card: dict, tensors: dict) -> Path:
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"frontier": json.dumps(card)}))
    return path


def good() -> tuple[dict, dict]:
    """Card and tensors of a mask with one site (1, 3, 3) and all of its ReLUs."""
    card = {"format": "frontier-mask", "version": 1, "bitorder": "big", "shapes": [["relu", [1, 3, 3]]]}
    card |= {"popcounts": [9], "network": "", "dataset": ""}
    return card, {"relu": np.packbits(np.ones(9, np.bool_))}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(1, 6)] * 3), max_size=4), st.integers(0, 2**32 - 1))
def test_a_saved_mask_loads_back_as_the_same_value(tmp_path_factory, shapes, seed):
    rng = np.random.default_rng(seed)
    mask = Mask.of({f"layer{i}.relu": rng.random(shape) < 0.5 for i, shape in enumerate(shapes)})
    path = tmp_path_factory.mktemp("mask") / "mask.safetensors"
    file.save(mask, path)
    again = file.load(path)
    assert again == mask
    assert again.sites == mask.sites


def test_resnet18_has_69632_bytes_of_payload_in_at_most_72_kb(tmp_path):
    path = tmp_path / "mask.safetensors"
    file.save(Mask.ones(RESNET18), path, network="resnet18", dataset="cifar100")
    assert file.load(path).count == 557_056
    assert sum(tensor.nbytes for tensor in safetensors.numpy.load_file(path).values()) == 69_632
    assert path.stat().st_size <= 72 * 1024


def test_saving_twice_gives_the_same_bytes_and_leaves_no_temporary_file(tmp_path):
    rng = np.random.default_rng(0)
    mask = Mask.of({path: rng.random(shape) < 0.1 for path, shape in RESNET18})
    contents = set()
    for index in range(5):
        file.save(mask, tmp_path / f"{index}", network="resnet18", dataset="cifar10")
        contents.add((tmp_path / f"{index}").read_bytes())
    assert len(contents) == 1
    assert len(list(tmp_path.iterdir())) == 5


def test_the_hand_written_file_is_a_good_one(tmp_path):
    assert file.load(write(tmp_path / "mask", *good())) == Mask.ones([("relu", (1, 3, 3))])


def test_a_file_cut_anywhere_is_refused(tmp_path):
    whole = write(tmp_path / "mask", *good()).read_bytes()
    for length in range(len(whole)):
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(MaskError):
            file.load(tmp_path / "cut")


def test_a_pickle_is_refused_without_running_it(tmp_path):
    class Payload:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "mask").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(MaskError):
        file.load(tmp_path / "mask")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"version": 2},
        {"bitorder": "little"},
        {"popcounts": [8]},
        {"popcounts": []},
        {"popcounts": [9, 0]},
        {"shapes": [["relu", [1, 3, 2]]]},
        {"shapes": [["relu", [1, 3, 300]]]},
        {"shapes": [["relu", [-3, -3, 1]]]},
        {"shapes": [["relu", [10**9, 10**9, 10**9]]]},
        {"shapes": []},
        {"shapes": [["../relu", [1, 3, 3]]]},
        {"shapes": [["relu", [1, 3, 3]], ["relu", [1, 3, 3]]], "popcounts": [9, 9]},
        {"parent": "../../secret"},
        {"network": 3},
    ],
)
def test_metadata_that_does_not_fit_is_refused(tmp_path, change):
    card, tensors = good()
    with pytest.raises(MaskError):
        file.load(write(tmp_path / "mask", card | change, tensors))


def test_site_names_that_are_file_paths_are_refused(tmp_path):
    card, tensors = good()
    card["shapes"] = [["../../relu", [1, 3, 3]]]
    with pytest.raises(MaskError, match="module path"):
        file.load(write(tmp_path / "mask", card, {"../../relu": tensors["relu"]}))


def test_bits_beyond_the_last_position_are_refused(tmp_path):
    card, _ = good()
    with pytest.raises(MaskError, match="beyond"):
        file.load(write(tmp_path / "mask", card, {"relu": np.array([255, 255], np.uint8)}))


def test_a_tensor_of_another_type_is_refused(tmp_path):
    card, _ = good()
    with pytest.raises(MaskError, match="wrong tensor"):
        file.load(write(tmp_path / "mask", card, {"relu": np.ones(2, np.float32)}))


def test_a_safetensors_file_without_our_metadata_is_refused(tmp_path):
    (tmp_path / "mask").write_bytes(safetensors.numpy.save({"relu": np.zeros(2, np.uint8)}))
    with pytest.raises(MaskError, match="no 'frontier' metadata"):
        file.load(tmp_path / "mask")


@pytest.mark.parametrize("length", [2**20 + 1, 2**63])
def test_a_header_that_claims_to_be_large_is_refused(tmp_path, length):
    (tmp_path / "mask").write_bytes(length.to_bytes(8, "little") + b" " * (2**20 + 2))
    with pytest.raises(MaskError, match="header is too large"):
        file.load(tmp_path / "mask")


def test_a_file_over_the_limit_is_refused_unread(tmp_path):
    with (tmp_path / "mask").open("wb") as sparse:
        sparse.truncate(file.MAX_FILE_BYTES + 1)
    with pytest.raises(MaskError, match="too large"):
        file.load(tmp_path / "mask")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(MaskError, match="no such mask file"):
        file.load(tmp_path / "none")
    with pytest.raises(MaskError, match="no such mask file"):
        file.load(tmp_path)
