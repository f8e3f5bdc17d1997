"""Prices of points under a protocol and a link; kept by setting, so that only what is new is priced."""

from __future__ import annotations

import operator
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Final

from frontier import registry
from frontier.errors import InputError
from frontier.latency._link import Link
from frontier.latency._price import Price
from frontier.latency._sums import UNPRICED, Counts
from frontier.reports.points import StudyPoint
from frontier.results.profile import Profile
from frontier.web.axes import Cost
from frontier.web.view import Setting

KEPT: Final = 8  # settings; a page whose links are typed freely forgets the oldest
Known = dict[int, tuple[Profile, Cost]]  # by the profile's identity: comparing two takes longer than a price


class Prices:
    """Costs by setting and profile; safe to be asked from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Setting, Known] = OrderedDict()
        self._counted: tuple[Sequence[Profile], Counts] = ((), Counts.of(()))  # those that were priced last
        self._lock = threading.Lock()

    def of(self, points: Sequence[StudyPoint], setting: Setting) -> list[Cost]:
        """One cost a point. Without a price, for its squares say, all of it is None."""
        profiles = [point.point.profile for point in points]
        with self._lock:
            known = self._kept.setdefault(setting, {})
            self._kept.move_to_end(setting)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            new = [profile for profile in profiles if id(profile) not in known]
            costs = self._costs(new, registry.load("protocol", setting.protocol), setting.link) if new else []
            known.update((id(profile), (profile, cost)) for profile, cost in zip(new, costs, strict=True))
            return [known[id(profile)][1] for profile in profiles]

    @staticmethod
    def engine(setting: Setting) -> str | None:
        """The engine that measures what the protocol prices, if there is one."""
        found: str | None = getattr(registry.load("protocol", setting.protocol), "ENGINE", None)
        return found

    def _costs(self, profiles: Sequence[Profile], protocol: ModuleType, link: Link) -> list[Cost]:
        """All at once where the protocol knows how."""
        if not hasattr(protocol, "sums"):
            return [_cost(profile, protocol.price, link) for profile in profiles]
        before, counts = self._counted
        if len(before) != len(profiles) or not all(map(operator.is_, before, profiles)):
            counts = Counts.of(profiles)
            self._counted = profiles, counts
        found: list[Cost] = protocol.sums(counts, link)
        return found


def _cost(profile: Profile, pricing: Callable[[Profile, Link], Price], link: Link) -> Cost:
    try:
        price = pricing(profile, link)
    except InputError:
        return UNPRICED
    return Cost(price.online_s, price.offline_s, price.online_bytes, price.rounds)
