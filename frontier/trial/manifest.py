"""The manifest of a bundle: what its files are, read without loading a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from frontier.errors import InputError
from frontier.frozen import Frozen, first_problem
from frontier.results.record import Point
from frontier.results.spec import NetworkSpec, TrialSpec

MASK, WEIGHTS, MANIFEST = "mask.safetensors", "weights.safetensors", "manifest.json"


class Manifest(Frozen):
    """What the files are. `image` is (C, H, W); `mean` and `std` normalise pixels in [0, 1], per channel."""

    format: Literal["frontier-bundle"] = "frontier-bundle"
    version: Literal[1] = 1
    study: str
    trial: int
    point: int
    network: NetworkSpec
    image: tuple[int, int, int]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    relu_count: int
    mask_hash: str
    sha256: dict[str, str]
    results: Point
    spec: TrialSpec
    origin: dict[str, Any]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle's folder; its other files are not looked at. Raises InputError."""
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        why = first_problem(error)
    raise InputError(f"not a bundle ({why})", where=str(path), expected="a folder that frontier export wrote") from None
