"""Sums: the prices of many networks at once, without their layers: what an interactive page asks thousands of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from frontier.latency._formula import Costs, Element, input_output_s, linear_in, transfer_s
from frontier.latency._link import Link
from frontier.results.profile import Profile

Array = npt.NDArray[Any]


class Sums(NamedTuple):
    """Of the fields of a `Price` those of these names. None is what no source says; all of it is for no price."""

    online_s: float | None = None
    offline_s: float | None = None
    online_bytes: int | None = None
    rounds: int | None = None


UNPRICED = Sums()


@dataclass(frozen=True)
class Counts:
    """What many profiles are priced by, to be counted once for all protocols and links. Rows of `kept` and `squares`,
    (profiles, sites), are as long as the longest: what a shorter one lacks evaluates nothing."""

    kept: Array
    squares: Array
    sites: tuple[int, ...]
    macs: tuple[int, ...]
    input_elements: tuple[int, ...]

    @classmethod
    def of(cls, profiles: Sequence[Profile]) -> Self:
        """Of each profile, in this order."""
        sites = tuple(len(profile.sites) for profile in profiles)
        longest = max(sites, default=0)
        kept, squares = (np.zeros((len(profiles), longest), dtype=np.int64) for _ in range(2))
        for row, profile in enumerate(profiles):
            kept[row, : sites[row]] = [site.kept for site in profile.sites]
            squares[row, : sites[row]] = [site.squares for site in profile.sites]
        macs, inputs = (tuple(getattr(one, name) for one in profiles) for name in ("macs", "input_elements"))
        return cls(kept, squares, sites, macs, inputs)

    @cached_property
    def squared(self) -> list[bool]:
        """Whether a profile has any squares."""
        found: Array = np.asarray(self.squares.any(axis=1))
        return [bool(one) for one in found]

    @cached_property
    def idle(self) -> list[int]:
        """How many sites of each profile evaluate nothing."""
        busy = ((self.kept > 0) | (self.squares > 0)).sum(axis=1).tolist()
        return [sites - some for sites, some in zip(self.sites, busy, strict=True)]


def additive_sums(costs: Costs, counts: Counts, link: Link) -> list[Sums]:
    """To the last bit the sums of `additive`, one a profile; no price where that refuses the squares."""
    parts = [(costs.relu, counts.kept)]
    if costs.square is not None:
        parts.append((costs.square, counts.squares))
    seconds = (_waiting_s(parts, link) + _transfers_s(costs, parts, link) + _work_s(parts)).tolist()
    sizes = _added([whole(count * element.bytes.value) for element, count in parts]).sum(axis=1).tolist()
    rounds = whole(_most(parts, "rounds")).sum(axis=1).tolist()
    found = []
    for i, (macs, inputs) in enumerate(zip(counts.macs, counts.input_elements, strict=True)):
        if costs.square is None and counts.squared[i]:
            found.append(UNPRICED)
            continue
        beside_s = linear_in(costs, macs, counts.sites[i], counts.idle[i])
        found.append(Sums(sum(seconds[i]) + beside_s + input_output_s(inputs, link), None, sizes[i], rounds[i]))
    return found


def whole(numbers: Array) -> Array:
    """Rounded as Python rounds."""
    return np.rint(numbers).astype(np.int64)


def _most(parts: Sequence[tuple[Element, Array]], name: str) -> Array:
    """The greater of a constant of what a site evaluates; 0 where that is nothing."""
    found: Array = np.maximum.reduce(
        [np.where(count > 0, getattr(element, name).value, 0.0) for element, count in parts]
    )
    return found


def _waiting_s(parts: Sequence[tuple[Element, Array]], link: Link) -> Array:
    return _most(parts, "hops") * link.rtt_ms / 2e3


def _transfers_s(costs: Costs, parts: Sequence[tuple[Element, Array]], link: Link) -> Array:
    return _added([count * transfer_s(costs, element, link) for element, count in parts])


def _work_s(parts: Sequence[tuple[Element, Array]]) -> Array:
    return _added(
        [np.where(count > 0, element.layer_s.value + count * element.each_s.value, 0.0) for element, count in parts]
    )


def _added(terms: Sequence[Array]) -> Array:
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]
