"""Goals: what a study optimizes, by name, and what a point is worth by each: accuracies, the ReLU count, prices.

A price is an objective under the name COST@PROTOCOL/LINK, such as `online_s@crypten/wan`. It is computed from the
profile in a point's record, so that points of any age have it, and nobody trains or measures anything for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import numpy as np

from frontier import registry
from frontier.errors import InputError, nearest
from frontier.latency._link import NAMED, Link, parse_link
from frontier.latency._price import Price
from frontier.results import pareto
from frontier.results.objectives import ACCURACIES, OBJECTIVES, RELU_COUNT, Objective
from frontier.results.profile import LinearProfile, Profile, SiteProfile
from frontier.results.record import Point

SECONDS, BYTES = ("s", 1e-3), ("B", 1.0)  # unit, and the smallest amount that counts
COSTS: Final[Mapping[str, tuple[str, float]]] = {
    "online_s": SECONDS,
    "offline_s": SECONDS,
    "online_bytes": BYTES,
    "sent_bytes": BYTES,
    "received_bytes": BYTES,
    "rounds": ("rounds", 1.0),
}
PLAIN: Final = {objective.name: objective for objective in OBJECTIVES}
FORM = "COST@PROTOCOL/LINK"


@dataclass(frozen=True)
class PriceOf:
    """One cost of a network, as a protocol prices it over a link."""

    cost: str
    protocol: str
    link: Link

    @property
    def name(self) -> str:
        """The same for every way to write the link."""
        plain = f"{digits_of(self.link.rtt_ms)},{digits_of(self.link.mbit_s)}"
        link = next((name for name, link in NAMED.items() if link == self.link), plain)
        return f"{self.cost}@{self.protocol}/{link}"

    def of(self, profile: Profile) -> float:
        """In the cost's unit. Raises InputError where the protocol has no price for what the profile holds."""
        price: Price = registry.load("protocol", self.protocol).price(profile, self.link)
        found: float | None = getattr(price, self.cost)
        if found is None:
            raise InputError(f"no source says what '{self.name}' is", fix="take another cost, protocol or link")
        return float(found)


def digits_of(number: float) -> str:
    """All digits that tell the number from others, without an exponent: `parse_link` reads it back as it was."""
    return np.format_float_positional(number, trim="-")


@dataclass(frozen=True)
class Goal:
    """An objective, and the price that it is, if it is one."""

    objective: Objective
    price: PriceOf | None = None

    def value(self, point: Point) -> float:
        """On validation, in the objective's unit. Raises InputError where a protocol has no price for the point."""
        if self.price is not None:
            return self.price.of(point.profile)
        if self.objective == RELU_COUNT:
            return float(point.relu_count)
        return float(getattr(point.validation, self.objective.name).value)

    def ends(self, relus: int, whole: Profile | None) -> tuple[float, float]:
        """Of what is minimized: the amount below which nothing more is gained, which for a price is that of the
        network without any ReLU, and the amount that gains nothing: that of the network with all of them."""
        if self.price is None or whole is None:
            return self.objective.least, float(relus)
        none, every = (self.price.of(_keeping(whole, all_of_them)) for all_of_them in (False, True))
        return max(none, self.objective.least), every


@dataclass(frozen=True)
class Goals:
    """All objectives of a study, in the order of its space."""

    goals: tuple[Goal, ...]

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        return tuple(goal.objective for goal in self.goals)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(objective.name for objective in self.objectives)

    @cached_property
    def prices(self) -> tuple[PriceOf, ...]:
        """Those that are prices."""
        return tuple(goal.price for goal in self.goals if goal.price is not None)

    def values(self, point: Point) -> tuple[float, ...] | None:
        """The point's value by each objective; None where one of them is a price that it has not (`problem`)."""
        try:
            return tuple(goal.value(point) for goal in self.goals)
        except InputError:
            return None

    def problem(self, point: Point) -> str:
        """Why the point has no values; empty where it has them."""
        try:
            for goal in self.goals:
                goal.value(point)
        except InputError as error:
            return error.what
        return ""

    def told(self, point: Point) -> tuple[float, ...] | None:
        """What the sampler is told of a point: accuracies, and the logarithms of what is minimized."""
        values = self.values(point)
        return values and tuple(one.told(value) for one, value in zip(self.objectives, values, strict=True))

    def front(self, rows: Sequence[Sequence[float]]) -> list[int]:
        """Indices of the rows of values that no other one dominates, by the first minimized objective."""
        signs = [1.0 if one.minimized else -1.0 for one in self.objectives]
        kept = pareto.front([[sign * value for sign, value in zip(signs, row, strict=True)] for row in rows])
        first = next(i for i, one in enumerate(self.objectives) if one.minimized)
        return sorted(kept, key=lambda i: (rows[i][first], i))

    def hypervolume(self, rows: Sequence[Sequence[float]], relus: int, whole: Profile | None = None) -> float:
        """The share of the unit box that the rows of values dominate. Its sides: an accuracy as it is, and
        1 - log(value/least) / log(most/least) of what is minimized, between the two ends of its goal.

        `relus` and `whole` (needed for prices) are those of the network with every ReLU kept.
        """
        if not rows:
            return 0.0
        if relus < 2:
            raise ValueError(f"hypervolume needs a network with at least 2 ReLUs, got {relus}")
        ends = [goal.ends(relus, whole) if goal.objective.minimized else None for goal in self.goals]
        return pareto.hypervolume([[_gain(*pair) for pair in zip(row, ends, strict=True)] for row in rows])


def _gain(value: float, ends: tuple[float, float] | None) -> float:
    """In [0, 1]; below 0 for what costs more than the whole network."""
    if ends is None:
        return value
    least, most = ends
    if most <= least:  # a cost that the ReLUs do not change
        return 0.0
    return 1 - (math.log10(max(value, least)) - math.log10(least)) / (math.log10(most) - math.log10(least))


def whole_network(points: Iterable[Point]) -> Profile | None:
    """The profile of a study's own network, every ReLU of it kept: that of a point that is no narrower one, or else of
    the largest there is."""
    found = sorted(points, key=lambda point: (point.network is not None, -point.profile.relus))
    return found[0].profile if found else None


def _keeping(profile: Profile, all_of_them: bool) -> Profile:
    sites = (site.model_copy(update={"kept": site.relus if all_of_them else 0, "squares": 0}) for site in profile.sites)
    return profile.model_copy(update={"sites": tuple(sites)})


def goals_of(names: Sequence[str]) -> Goals:
    """The goals behind names. Raises InputError for a name that is none, for one that is there twice, and where nothing
    is traded: a study has at least one accuracy and at least one cost."""
    goals = tuple(goal_of(name) for name in names)
    for i, goal in enumerate(goals):
        if goal in goals[:i]:
            raise InputError(f"the objective '{goal.objective.name}' is there twice", fix="remove one of them")
    if len({goal.objective.direction for goal in goals}) < 2:
        raise InputError(
            "no trade-off",
            expected=f"at least one of {', '.join(ACCURACIES)}, and at least one cost: relu_count, or {FORM}",
            got=", ".join(names) or "no objective",
        )
    return Goals(goals)


@cache
def goal_of(name: str) -> Goal:
    """The goal behind a name. Raises InputError for one that is none."""
    if name in PLAIN:
        return Goal(PLAIN[name])
    cost, at, rest = name.partition("@")
    protocol, slash, link = rest.partition("/")
    if not at or not slash or cost not in COSTS:
        near = nearest(name, PLAIN)
        known = f"one of these, or {FORM} with COST one of {', '.join(COSTS)}: online_s@crypten/wan"
        raise InputError(f"unknown objective '{name}'. {near}", expected=known)
    price = PriceOf(cost, protocol, _link(link, name))
    price.of(_example(squares=0))
    unit, least = COSTS[cost]
    objective = Objective(name=price.name, unit=unit, direction="minimize", split=None, least=least)
    return Goal(objective, price)


def _link(text: str, name: str) -> Link:
    try:
        return parse_link(text)
    except InputError as error:
        quotes = "in brackets a link of two numbers needs quotes: 'online_s@crypten/40,400'"
        what = f"not a link in the objective '{name}'"
        raise InputError(what, expected=error.expected, got=text, fix=quotes if "," not in text else None) from None


def without_squares(goals: Goals) -> tuple[PriceOf, ...]:
    """The prices among the goals that a network with squares has not."""
    return tuple(price for price in goals.prices if not _prices_squares(price))


def _prices_squares(price: PriceOf) -> bool:
    try:
        price.of(_example(squares=1))
    except InputError:
        return False
    return True


def _example(squares: int) -> Profile:
    """A network of one convolution and two activations, to ask a protocol whether it has a price at all."""
    site = SiteProfile(path="relu", shape=(2, 1, 1), relus=2, kept=1, squares=squares)
    linear = LinearProfile(path="conv", kind="conv2d", macs=2, input_elements=1, output_elements=2)
    return Profile(sites=(site,), linear=(linear,))


FOUR: Final = goals_of(tuple(PLAIN))  # of a space that names none: three accuracies and the ReLU count
