"""Which figures a report has, in which order, under which protocols, and what is laid under them: a small YAML file."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from frontier import registry, shelves
from frontier.errors import InputError, nearest
from frontier.frozen import Frozen, first_problem
from frontier.results.published import Class
from frontier.spaces import _yaml
from frontier.spaces.goals import PriceOf, goal_of

SHELF, DEFAULT, OTHERS = "reports/specs", "default", "others"


class ReportSpec(Frozen):
    """`figures` by name, `others` for all that are not named, by their ORDER. `protocols` as PROTOCOL/LINK, such as
    `crypten/wan`: figures of seconds are drawn once for each; none for what the study's objectives say. `overlays`: the
    classes of published figures that are laid beside."""

    figures: tuple[str, ...] = Field(default=(OTHERS,), min_length=1)
    protocols: tuple[str, ...] = ()
    overlays: tuple[Class, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for field in ("figures", "protocols", "overlays"):
            names: tuple[str, ...] = getattr(self, field)
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{field}: {', '.join(twice)} is there twice")
        return self

    @cached_property
    def prices(self) -> tuple[PriceOf, ...]:
        """Online seconds by each of the protocols. Raises InputError for what is none."""
        goals = (goal_of(f"online_s@{protocol}") for protocol in self.protocols)
        return tuple(goal.price for goal in goals if goal.price is not None)


class Chosen(NamedTuple):
    """A figure of a report: `key` is its name, with a number behind from the second price on."""

    key: str
    figure: ModuleType
    price: PriceOf | None


ALL = ReportSpec()


def read_spec(name: str = DEFAULT) -> ReportSpec:
    """The spec of this name on the shelf reports/specs, or in this file. Raises InputError with file and key for
    whatever is wrong with it, also for figures and protocols that are none."""
    path = shelves.find(SHELF, name)
    document = _yaml.read(_content(path), str(path))
    try:
        spec = ReportSpec() if document.data is None else ReportSpec.model_validate_json(_json(document.data, path))
    except ValidationError as error:
        what = f"not a report's spec ({first_problem(error)})"
        raise InputError(what, where=str(path), expected="figures, protocols and overlays (docs/reports.md)") from None
    known = registry.names("figure")
    if unknown := [one for one in spec.figures if one not in known and one != OTHERS]:
        raise InputError(f"unknown figure '{unknown[0]}'. {nearest(unknown[0], [*known, OTHERS])}", where=str(path))
    try:
        spec.prices  # noqa: B018 looked at for what it raises
    except InputError as error:
        raise InputError(error.what, where=str(path), expected="PROTOCOL/LINK, such as crypten/wan") from None
    return spec


def figures_in_order() -> list[tuple[str, ModuleType]]:
    """Every figure by its name, sorted by its ORDER."""
    known = [(name, registry.load("figure", name)) for name in registry.names("figure")]
    return sorted(known, key=lambda pair: (pair[1].ORDER, pair[0]))


def chosen(spec: ReportSpec) -> list[Chosen]:
    """The figures of a spec in its order; those of seconds once for each of its protocols."""
    known = dict(figures_in_order())
    rest = [name for name in known if name not in spec.figures]
    names = [name for one in spec.figures for name in (rest if one == OTHERS else [one])]
    made = []
    for name in names:
        prices = spec.prices if getattr(known[name], "PRICED", False) else ()
        for i, price in enumerate(prices or (next(iter(spec.prices), None),)):
            made.append(Chosen(name if i == 0 else f"{name}-{i + 1}", known[name], price))
    return made


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the report's spec ({error.strerror})", where=str(path)) from None


def _json(data: object, path: Path) -> str:
    try:
        return json.dumps(data)
    except (TypeError, ValueError):
        raise InputError("not a report's spec", where=str(path), expected="keys and lists of names") from None
