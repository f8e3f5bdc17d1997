"""Prices of points under a protocol and a link; kept by setting, so that only what is new is priced."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from frontier import registry
from frontier.errors import InputError
from frontier.latency._link import Link
from frontier.latency._price import Price
from frontier.reports.points import StudyPoint
from frontier.results.profile import Profile
from frontier.web.axes import Cost
from frontier.web.view import Setting

KEPT: Final = 8  # settings; a page whose links are typed freely forgets the oldest
UNPRICED: Final = Cost()
Pricing = Callable[[Profile, Link], Price]


class Prices:
    """Costs by setting and profile; safe to be asked from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Setting, dict[int, tuple[Profile, Cost]]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, points: Sequence[StudyPoint], setting: Setting) -> list[Cost]:
        """One cost a point. Without a price, for its squares say, all of it is None."""
        with self._lock:
            known = self._kept.setdefault(setting, {})
            self._kept.move_to_end(setting)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            price: Pricing = registry.load("protocol", setting.protocol).price
            return [_cost(known, point.point.profile, price, setting.link) for point in points]

    @staticmethod
    def engine(setting: Setting) -> str | None:
        """The engine that measures what the protocol prices, if there is one."""
        found: str | None = getattr(registry.load("protocol", setting.protocol), "ENGINE", None)
        return found


def _cost(known: dict[int, tuple[Profile, Cost]], profile: Profile, pricing: Pricing, link: Link) -> Cost:
    """By the profile's identity: it is kept beside, and comparing two takes longer than a price."""
    if (found := known.get(id(profile))) is not None:
        return found[1]
    try:
        price = pricing(profile, link)
        cost = Cost(price.online_s, price.offline_s, price.online_bytes, price.rounds)
    except InputError:
        cost = UNPRICED
    known[id(profile)] = (profile, cost)
    return cost
