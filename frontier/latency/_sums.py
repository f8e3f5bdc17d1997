"""Sums: the prices of many networks at once, without their layers: what an interactive page asks thousands of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

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


def additive_sums(costs: Costs, profiles: Sequence[Profile], link: Link) -> list[Sums]:
    """To the last bit the sums of `additive`, one a profile; no price where that refuses the squares."""
    ends = np.cumsum([0, *(len(profile.sites) for profile in profiles)])
    kept = np.array([site.kept for profile in profiles for site in profile.sites], dtype=np.int64)
    squares = np.array([site.squares for profile in profiles for site in profile.sites], dtype=np.int64)
    parts = [(costs.relu, kept)] if costs.square is None else [(costs.relu, kept), (costs.square, squares)]
    seconds = (_waiting_s(parts, link) + _transfers_s(costs, parts, link) + _work_s(parts)).tolist()
    sizes = _totals(_added([np.rint(count * element.bytes.value).astype(np.int64) for element, count in parts]), ends)
    rounds = _totals(np.rint(_most(parts, "rounds")).astype(np.int64), ends)
    squared = _totals(squares, ends)
    idle = _totals(((kept == 0) & (squares == 0)).astype(np.int64), ends)
    found = []
    for i, (profile, (start, end)) in enumerate(zip(profiles, pairwise(ends.tolist()), strict=True)):
        if costs.square is None and squared[i]:
            found.append(UNPRICED)
            continue
        online_s = sum(seconds[start:end]) + linear_in(costs, profile, idle[i]) + input_output_s(profile, link)
        found.append(Sums(online_s, None, sizes[i], rounds[i]))
    return found


def _totals(counts: Array, ends: Array) -> list[int]:
    """Of each profile's sites; whole numbers, so that differences of running sums are exact."""
    running = np.concatenate([[0], np.cumsum(counts)])
    found: list[int] = np.diff(running[ends]).tolist()
    return found


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
