"""Tensors on disk: whole, or known not to be."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from frontier.training.tensors import SHA256, Torn, flattened, packed, restored, unpacked

CPU = torch.device("cpu")
TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "mask": torch.tensor([True, False]), "step": torch.tensor(3.0)}


def test_what_was_packed_comes_back_with_its_metadata(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(packed(TENSORS, {"passes": "2"}))
    found, metadata = unpacked(tmp_path / "f", CPU)
    assert metadata == {"passes": "2"}
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in TENSORS.items())


def test_equal_arguments_give_the_same_bytes() -> None:
    metadata = {str(number): "x" for number in range(8)}
    backwards = dict(reversed(metadata.items()))
    assert len({packed(TENSORS, of) for of in (metadata, backwards) for _ in range(10)}) == 1


def test_every_byte_that_is_damaged_or_missing_is_noticed(tmp_path: Path) -> None:
    path, content = tmp_path / "f", packed(TENSORS, {"passes": "2"})
    word = content.index(SHA256.encode())  # misspelt, the file is taken for one from before there was a hash
    for at in [*range(word), *range(word + len(SHA256), len(content))]:
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(Torn):
            unpacked(path, CPU)
        path.write_bytes(content[:at])
        with pytest.raises(Torn):
            unpacked(path, CPU)


def test_files_from_before_there_was_a_hash_are_read(tmp_path: Path) -> None:
    save_file({"a": TENSORS["a"]}, tmp_path / "f", {"passes": "2.0"})
    assert unpacked(tmp_path / "f", CPU)[1] == {"passes": "2.0"}


def test_an_optimizers_state_comes_back_as_it_was() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([weight], lr=0.1)
    weight.square().sum().backward()
    optimizer.step()
    tensors, tree = flattened({"optimizers": [optimizer.state_dict()], "numbers": {"penalty": 0.1}, "none": None})
    back = restored(tree, tensors)
    assert back["numbers"] == {"penalty": 0.1}
    other = torch.optim.Adam([torch.nn.Parameter(torch.ones(3))], lr=0.5)
    other.load_state_dict(back["optimizers"][0])
    (mine,), (theirs,) = optimizer.state_dict()["state"].values(), other.state_dict()["state"].values()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert other.param_groups[0]["lr"] == 0.1
