"""A data set by its name: its shape and its images, from options that are checked first.

A data module takes its options as keyword-only parameters of `load`, besides `download`. Where the shape depends on
them it has `shape(**options) -> (image, classes)`, otherwise the constants IMAGE and CLASSES.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from frontier import registry
from frontier.data._dataset import Dataset
from frontier.errors import InputError
from frontier.options import refuse_unfit, signature_of, wanted
from frontier.results.spec import DataSpec, Scalar

Shape = tuple[tuple[int, int, int], int]  # an image's (C, H, W), and the number of classes


def shape_of(data: DataSpec) -> Shape:
    """The shape of its images and the number of its classes; reads no file.

    Raises InputError for an unknown name and for options that the data set does not take.
    """
    module = _checked(data.name, data.options)
    if hasattr(module, "shape"):
        shape: Shape = module.shape(**data.options)
        return shape
    return module.IMAGE, module.CLASSES


def load(name: str, folder: Path | None, options: Mapping[str, Scalar], *, download: bool = False) -> Dataset:
    """The data set `name` from `folder` (`~/.cache/frontier` for None).

    Raises InputError for what `shape_of` refuses and for missing or damaged files, BlockedError for what the machine
    lacks.
    """
    loaded: Dataset = _checked(name, options).load(folder, download=download, **options)
    return loaded


def _checked(name: str, options: Mapping[str, Scalar]) -> ModuleType:
    """The module of a data set that takes these options."""
    module = registry.load("data", name)
    where = f"data '{name}'"
    parameters = signature_of(module.load).parameters.values()
    known = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "download"}
    refuse_unfit(options, known, where)
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in options:
            raise InputError(f"missing option '{key}'", where=where, expected=wanted(parameter.annotation))
    return module
