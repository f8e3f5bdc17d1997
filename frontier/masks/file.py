"""Mask files: safetensors with one bit a position (ResNet18: 69,632 bytes of payload), the same bytes every time.

One uint8 tensor a site: numpy.packbits of the (C, H, W) bits in C order, big-endian. One metadata key, `frontier`,
holds canonical JSON {format, version, bitorder, shapes, popcounts, network, dataset}; with several keys safetensors
would write them in changing order. A file is data from a stranger: nothing is allocated before its size is checked,
nothing is unpickled, and no path in it is followed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from frontier.errors import MaskError
from frontier.files import write_atomic
from frontier.frozen import Frozen, canonical_json
from frontier.masks.mask import Mask

MAX_FILE_BYTES = 16 * 2**20  # 134 million positions; ResNet18 at 224 px has 27 million
MAX_HEADER_BYTES = 2**20
LENGTH_BYTES = 8  # safetensors begins with the header's length, little-endian

Size = Annotated[int, Field(gt=0, strict=True)]


class _Card(Frozen):
    """The metadata. `shapes` and `popcounts` are in the order of execution."""

    format: Literal["frontier-mask"] = "frontier-mask"
    version: Literal[1] = 1
    bitorder: Literal["big"] = "big"
    shapes: tuple[tuple[str, tuple[Size, ...]], ...]
    popcounts: tuple[Annotated[int, Field(ge=0, strict=True)], ...]
    network: str = Field(max_length=200)
    dataset: str = Field(max_length=200)


def save(mask: Mask, path: Path, *, network: str = "", dataset: str = "") -> None:
    """Write `mask` under a temporary name, then rename. Equal arguments give byte-identical files."""
    card = _Card(shapes=mask.sites, popcounts=tuple(mask.counts.values()), network=network, dataset=dataset)
    tensors = {site: np.packbits(mask.bits(site)) for site, _ in mask.sites}
    write_atomic(path, safetensors.numpy.save(tensors, metadata={"frontier": canonical_json(card)}))


def load(path: Path) -> Mask:
    """The mask in a file. Raises MaskError for a file that is torn, foreign, too large or inconsistent."""
    where = str(path)
    if not path.is_file():
        raise MaskError("no such mask file", where=where)
    if path.stat().st_size > MAX_FILE_BYTES:
        raise MaskError("too large for a mask", where=where, expected=f"at most {MAX_FILE_BYTES} bytes")
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    card = _card(data, where)
    try:
        tensors = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise MaskError(f"not a whole safetensors file ({error})", where=where) from None
    if len(dict(card.shapes)) != len(card.shapes) or dict(card.shapes).keys() != tensors.keys():
        raise MaskError("tensors and metadata name different sites", where=where)
    if len(card.popcounts) != len(card.shapes):
        raise MaskError("not one popcount a site", where=where)
    pairs = zip(card.shapes, card.popcounts, strict=True)
    return Mask.of(
        {site: _unpack(tensors[site], shape, kept, f"{where}: {site[:120]}") for (site, shape), kept in pairs}
    )


def _card(data: bytes, where: str) -> _Card:
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    if len(data) < LENGTH_BYTES or length > min(MAX_HEADER_BYTES, len(data) - LENGTH_BYTES):
        raise MaskError(
            "not a mask file: truncated, or its header is too large",
            where=where,
            expected=f"a safetensors file with a header of at most {MAX_HEADER_BYTES} bytes",
        )
    try:
        header = json.loads(data[LENGTH_BYTES : LENGTH_BYTES + length])
        return _Card.model_validate_json(header["__metadata__"]["frontier"])
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"])) or "top level"
        raise MaskError(f"not a mask that this version reads, at {at}: {first['msg']}", where=where) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise MaskError("not a mask file: no 'frontier' metadata", where=where) from None


def _unpack(packed: NDArray[np.uint8], shape: tuple[int, ...], popcount: int, where: str) -> NDArray[np.bool_]:
    positions = 1
    for size in shape:
        positions *= size
    if packed.dtype != np.uint8 or packed.ndim != 1 or packed.size != -(-positions // 8):
        expected = f"{-(-positions // 8)} bytes for shape {shape}"
        raise MaskError("wrong tensor", where=where, expected=expected, got=f"{packed.dtype} {packed.shape}")
    bits = np.unpackbits(packed).astype(np.bool_)
    if bits[positions:].any():
        raise MaskError("bits beyond the last position are set", where=where)
    kept = int(np.count_nonzero(bits))
    if kept != popcount:
        raise MaskError("the bits do not fit the recorded count", where=where, expected=f"{popcount} kept", got=kept)
    return bits[:positions].reshape(shape)
