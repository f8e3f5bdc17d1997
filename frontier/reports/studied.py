"""Studied: what a figure may look at: points, ends of trials, masks, studies with other seeds, what papers report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from frontier import registry
from frontier.errors import MaskError
from frontier.latency._link import NAMED
from frontier.latency._price import Price
from frontier.masks.mask import Mask
from frontier.reports.points import StudyPoint
from frontier.reports.published import PublishedPoint
from frontier.spaces.goals import FOUR, Goals, PriceOf

USUAL = PriceOf("online_s", "crypten", NAMED["wan"])
Clock = Literal["events", "records", ""]


def no_masks(found: StudyPoint) -> Mask:
    """The loader of masks where there are none: raises MaskError."""
    raise MaskError("no mask files are at hand", where=f"trial {found.address}")


@dataclass(frozen=True)
class Side:
    """A point whose mask is laid beside another one. `name`: its address, or STUDY:ADDRESS for one of another study."""

    name: str
    point: StudyPoint
    load: Callable[[StudyPoint], Mask]  # raises MaskError


@dataclass(frozen=True)
class Studied:
    """One study for its figures. Only `points` must be there; a figure that needs what is missing has no rows and says
    so in its alt text.

    `price`: what figures of seconds are of; None for the first `online_s` among the objectives, or CrypTen's over the
    WAN. `ended_s`: seconds of searching until each trial ended, by trial, as the `clock` says: the study's events, or
    its records where it has none. `mask` loads a point's mask or raises MaskError. `pair`: addresses of the two points
    whose masks are laid side by side; empty for two of the front. `guest`: what is laid beside the first of them in
    place of a second. `seeds`: studies of the same space with other seeds.
    `published`: what papers report of the same data set.
    """

    points: Sequence[StudyPoint]
    name: str = ""
    price: PriceOf | None = None
    ended_s: Mapping[int, float] = field(default_factory=dict)
    clock: Clock = ""
    mask: Callable[[StudyPoint], Mask] = no_masks
    pair: tuple[str, ...] = ()
    guest: Side | None = None
    seeds: tuple[Studied, ...] = ()
    published: tuple[PublishedPoint, ...] = ()

    @property
    def goals(self) -> Goals:
        """What the front is of."""
        return self.points[0].goals if self.points else FOUR

    @property
    def pricing(self) -> PriceOf:
        """What figures of seconds and bytes are of."""
        return pricing_of(self.goals, self.price)

    def priced(self, found: StudyPoint) -> Price:
        """The whole price of a point. Raises InputError where the protocol has none for it."""
        price: Price = registry.load("protocol", self.pricing.protocol).price(found.point.profile, self.pricing.link)
        return price


def pricing_of(goals: Goals, chosen: PriceOf | None = None) -> PriceOf:
    """The price that figures of seconds are of: the chosen one, the first `online_s` of the goals, or the usual one."""
    return chosen or next((price for price in goals.prices if price.cost == USUAL.cost), USUAL)
