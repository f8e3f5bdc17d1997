"""Tensors as safetensors bytes with a SHA-256 of their own, so that what was damaged on a disk is not computed with."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

SHA256 = "sha256"  # in the metadata; files from before there was one are taken as they are
LENGTH = struct.Struct("<Q")  # a file begins with its header's length in bytes


class Torn(Exception):
    """A file that is not whole, or not what was written."""


def packed(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file's bytes, the same for equal arguments. `metadata` is hashed with the tensors."""
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    return _in_order(save(plain, {**metadata, SHA256: sha256_of(plain, metadata)}))


def _in_order(content: bytes) -> bytes:
    """The same file with its metadata in the order of their names; safetensors' writer changes it from call to call."""
    (length,) = LENGTH.unpack_from(content)
    body = LENGTH.size + length
    header = json.loads(content[LENGTH.size : body])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH.size)  # tensors begin at a multiple of eight
    return LENGTH.pack(len(text)) + text + content[body:]


def unpacked(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors on the device, and the metadata without the hash. Raises FileNotFoundError, Torn."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 it is no mapping
    except SafetensorError as error:
        raise Torn(str(error)) from None
    written = metadata.pop(SHA256, None)
    if written is not None and written != sha256_of(found, metadata):
        raise Torn("its SHA-256 is not the one it was written with")
    return {name: value.to(device) for name, value in found.items()}, metadata


def sha256_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> str:
    """Of names, types, shapes and bytes of the tensors, in the order of their names, and of the metadata."""
    sha256 = hashlib.sha256(repr(sorted((metadata or {}).items())).encode())
    for name, value in sorted(tensors.items()):
        sha256.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        sha256.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha256.hexdigest()


def flattened(value: Any, name: str = "") -> tuple[dict[str, Tensor], Any]:
    """Dicts, lists and plain values around tensors, such as an optimizer's state: the tensors by name, and the rest as
    JSON that says where they belong. Tuples come back as lists."""
    if isinstance(value, Tensor):
        return {name: value}, {"tensor": name}
    if not isinstance(value, dict | list | tuple):
        return {}, value
    found: dict[str, Tensor] = {}
    tree = []
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        tensors, below = flattened(part, f"{name}/{key}" if name else str(key))
        found |= tensors
        tree.append([key, below])
    return found, {"dict": tree} if isinstance(value, dict) else {"list": [below for _, below in tree]}


def restored(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What was flattened. Raises KeyError for a tensor that is missing."""
    if not isinstance(tree, dict):
        return tree
    if "tensor" in tree:
        return tensors[tree["tensor"]]
    if "list" in tree:
        return [restored(part, tensors) for part in tree["list"]]
    return {key: restored(part, tensors) for key, part in tree["dict"]}
